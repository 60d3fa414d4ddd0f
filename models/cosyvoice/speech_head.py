"""A Qwen2 whose output head is its own: over speech tokens alone, with a bias if the family has one.

CosyVoice's language model reads text and speech but writes speech: its head has a row for each speech and end token,
and in CosyVoice2 a bias. Qwen2ForCausalLM has neither. Squeezed into it, the bias is lost and each of 151 936 text
tokens gets a row of zeros, that is the logit 0, and with it a share of the probability that the family's own model does
not give it. Here the head stays as it is, so that a checkpoint is the same function before and after conversion.

Importing this module registers the class with transformers; verl_plugins/vllm_cpu.py registers vLLM's with vLLM. The
model type is one of its own, because a library that does not know it must say so rather than load a Qwen2 without bias.
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

# The logit of what the head cannot write. Its probability is exactly 0 in every dtype; that of minus infinity is, too,
# but verl's entropy is a sum of p * logit, and 0 * inf is no number.
NEVER = -1.0e4
MODEL_TYPE = "qwen2_speech_head"


class SpeechHeadQwen2Config(Qwen2Config):
    """Qwen2's, and of the head.

    Attributes:
        head_start: first id of the vocabulary that the head writes.
        head_size: how many ids from there.
        head_bias: whether the head has a bias.
    """

    model_type = MODEL_TYPE
    head_start: int = 0
    head_size: int = 0
    head_bias: bool = False


class SpeechHead(nn.Linear):
    """Hidden states [..., hidden] -> logits [..., vocabulary]; NEVER outside of the head's own ids."""

    def __init__(self, config: SpeechHeadQwen2Config):
        super().__init__(config.hidden_size, config.head_size, bias=config.head_bias)
        self.margins = margins(config)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(super().forward(hidden), self.margins, value=NEVER)


def margins(config: SpeechHeadQwen2Config) -> tuple[int, int]:
    """How many ids lie before and behind the head's own.

    Raises:
        ValueError: they do not lie in the vocabulary.
    """
    behind = config.vocab_size - config.head_start - config.head_size
    if config.head_size < 1 or config.head_start < 0 or behind < 0 or config.tie_word_embeddings:
        raise ValueError(
            f"head_start={config.head_start}, head_size={config.head_size}, tie_word_embeddings="
            f"{config.tie_word_embeddings}: the head wants ids of its own within vocab_size={config.vocab_size}"
        )
    return config.head_start, behind


class SpeechHeadQwen2ForCausalLM(Qwen2ForCausalLM):
    """Qwen2ForCausalLM with a SpeechHead: `lm_head.weight` [head_size, hidden], `lm_head.bias` [head_size]."""

    config_class = SpeechHeadQwen2Config

    def __init__(self, config: SpeechHeadQwen2Config):
        super().__init__(config)
        self.lm_head = SpeechHead(config)
        self.post_init()


AutoConfig.register(MODEL_TYPE, SpeechHeadQwen2Config, exist_ok=True)
AutoModelForCausalLM.register(SpeechHeadQwen2Config, SpeechHeadQwen2ForCausalLM, exist_ok=True)
