"""What the published conversions of CosyVoice make of it, small, and the settings of ours."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from transformers import AutoTokenizer, Qwen2ForCausalLM

from models.cosyvoice import tokenizer
from tests.helpers.cosyvoice_decoder import CODEBOOK
from tests.helpers.cosyvoice_release import TEXT_ROWS, write_text_model

# What the published conversions call the rows behind the codebook: pretrained_to_huggingface.py those of CosyVoice2,
# convert_cosyvoice3_to_hf.py those of CosyVoice3.
PUBLISHED = {
    "cosyvoice2": ["<|eos1|>", "<|eos2|>", "<|eos3|>", "<|sos|>", "<|task_id|>"],
    "cosyvoice3": ["<|sos|>", "<|eos1|>", "<|task_id|>", "<|fill|>", *(f"<|s_{CODEBOOK + i}|>" for i in range(4, 200))],
}


def settings(family: str, **changes) -> DictConfig:
    """`convert` of a recipe's models.yaml."""
    values = {"family": family, "template": "official", "instruction": "", "more_text_tokens": [], "dtype": "float32"}
    values["weights"] = "llm.pt"
    return OmegaConf.create(values | changes)


def write_published(folder: Path, codebook: int, behind: list[str]) -> Qwen2ForCausalLM:
    """What a published conversion makes, as GRPO leaves it: a plain Qwen2, the speech tokens right behind those of the
    text, on rows that the text table has too, ends that generation_config alone names."""
    write_text_model(folder)
    words = AutoTokenizer.from_pretrained(folder)
    words.add_tokens(tokenizer.TEXT_TOKENS, special_tokens=True)
    words.add_tokens([*(f"<|s_{n}|>" for n in range(codebook)), *behind])
    words.save_pretrained(folder)
    config = Qwen2ForCausalLM.config_class.from_pretrained(folder)
    config.vocab_size, config.tie_word_embeddings = TEXT_ROWS + 256, False
    model = Qwen2ForCausalLM(config)
    model.generation_config.eos_token_id = [words.convert_tokens_to_ids(n) for n in behind if n.startswith("<|eos")]
    model.save_pretrained(folder)
    return model
