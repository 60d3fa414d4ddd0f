"""Entry point `verl.plugins`: registers the CPU platform and, where verl chooses it, applies what it needs; registers
our model class with transformers; lets Ray take its time to start, join only a cluster that is named, and do without
a home; keeps warnings where vLLM is served; takes log-probabilities of many tokens at once.

verl 0.9.1 loads this at the end of `import verl` and logs a failure at debug level only (verl/__init__.py). A recipe
therefore also names this module in VERL_USE_EXTERNAL_MODULES for Ray's workers, where a failure is fatal.
"""

from verl.plugin.platform import get_platform

from models.cosyvoice import speech_head  # noqa: F401  importing it registers it
from speech.own_packages import require_own
from verl_plugins import cpu_platform, patches

require_own("verl", "vllm", "ray", "torch")  # which the patches are of
patches.give_ray_time_to_start()
cpu_platform.choose()
patches.take_log_probabilities_at_once()
patches.join_only_a_named_cluster()
patches.give_ray_a_token()
patches.keep_warnings()
if isinstance(get_platform(), cpu_platform.PlatformCPU):
    patches.apply()
