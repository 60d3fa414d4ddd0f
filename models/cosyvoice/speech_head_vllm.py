"""vLLM's side of speech_head.py: its Qwen2 with the same head, updated by verl under the same names."""

import torch
from torch.nn.functional import pad
from vllm.config import VllmConfig
from vllm.model_executor.layers.logits_processor import LogitsProcessor
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.model_executor.models.qwen2 import Qwen2ForCausalLM
from vllm.model_executor.models.utils import maybe_prefix

from models.cosyvoice.speech_head import NEVER, margins


class SpeechHeadQwen2ForCausalLM(Qwen2ForCausalLM):
    """See speech_head.SpeechHeadQwen2ForCausalLM."""

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = ""):
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        config = self.config
        self.margins = margins(config)
        self.lm_head = ParallelLMHead(
            config.head_size,
            config.hidden_size,
            bias=config.head_bias,
            quant_config=self.quant_config,
            prefix=maybe_prefix(prefix, "speech_head"),
        )
        self.logits_processor = LogitsProcessor(config.head_size)

    def compute_logits(self, hidden_states: torch.Tensor) -> torch.Tensor | None:
        """Logits [rows, vocabulary] of hidden states [rows, hidden]; None on ranks that do not gather them."""
        logits = self.logits_processor(self.lm_head, hidden_states, self.lm_head.bias)
        return None if logits is None else pad(logits, self.margins, value=NEVER)
