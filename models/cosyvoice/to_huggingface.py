"""Stage `models`, second half: a released CosyVoice language model -> recipe.sft_dir, which verl and vLLM read.

    python -m models.cosyvoice.to_huggingface --config-path <recipe> --config-name models

`convert.kind` is llm_pt (a released directory: `convert.weights`, that is llm.pt or llm.rl.pt, and CosyVoice-BlankEN)
or huggingface (a checkpoint that was trained as one; it only gets the chat template).
"""

import os
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig, Qwen2Config

from models.cosyvoice import layout, tokenizer
from models.cosyvoice.speech_head import SpeechHeadQwen2Config
from speech.faults import UserError, told_plainly
from speech.files import whole_directory
from speech.loading import there, weights_of

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
TEXT_MODEL = "CosyVoice-BlankEN"  # of the released directories: Qwen2's configuration and tokenizer


def read_llm_pt(path: Path) -> layout.Tensors:
    """The state of llm.pt or, of the package's training with DeepSpeed, of mp_rank_00_model_states.pt, where it is
    `module`. Raises FileNotFoundError that says where it comes from."""
    state = weights_of(there(path, "the stage `models` fetches it (models.get in models.yaml)"), mmap=True)
    return state.get("module", state)


def model_config(folder: Path, family: layout.Family, tensors: layout.Tensors, dtype: str) -> SpeechHeadQwen2Config:
    """Qwen2's released configuration in `folder` with the vocabulary and the head of `tensors`."""
    vocabulary, head = len(tensors["model.embed_tokens.weight"]), len(tensors["lm_head.weight"])
    start = vocabulary - head - len(family.own_table)
    ends = list(range(start + head - len(family.behind_codebook), start + head))
    settings = Qwen2Config.from_pretrained(folder).to_dict()
    settings |= {"vocab_size": vocabulary, "tie_word_embeddings": False, "dtype": dtype, "bos_token_id": None}
    settings |= {"head_start": start, "head_size": head, "head_bias": family.head_bias}
    settings |= {"architectures": ["SpeechHeadQwen2ForCausalLM"], "eos_token_id": ends}
    settings.pop("model_type")
    return SpeechHeadQwen2Config(**settings)


def convert(source: Path, target: Path, cfg: DictConfig, codebook_size: int) -> int:
    """Writes the checkpoint into `target`, an empty directory, and compares it with the weights; the number of tensors.

    Raises:
        FileNotFoundError, ValueError: see layout and tokenizer; or what was written is not what was read.
    """
    family = layout.family_of(cfg.family)
    if cfg.template != "official":
        raise UserError(f"convert.template={cfg.template}: llm.pt was trained with the template 'official'")
    state = read_llm_pt(source / _weights(cfg))
    tensors = layout.to_huggingface(state, family, codebook_size)
    tensors = {name: value.to(DTYPES[cfg.dtype]).contiguous() for name, value in tensors.items()}
    config = model_config(source / TEXT_MODEL, family, tensors, cfg.dtype)
    layout.check_layers(tensors, config.num_hidden_layers)
    words = tokenizer.build(
        source / TEXT_MODEL,
        config.head_start,
        family,
        codebook_size,
        list(cfg.more_text_tokens),
        tokenizer.template_of(cfg.template, cfg.instruction),
    )
    config.pad_token_id = words.pad_token_id
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(target)
    # Plain sampling is what GRPO needs; how a system is listened to, eval.yaml and infer.yaml say.
    GenerationConfig(eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id).save_pretrained(target)
    words.save_pretrained(target)
    check(state, load_file(target / "model.safetensors"), family, codebook_size, DTYPES[cfg.dtype])
    return len(tensors)


def check(
    state: layout.Tensors, tensors: layout.Tensors, family: layout.Family, codebook_size: int, dtype: torch.dtype
) -> None:
    """Turns `tensors` back and compares each bit with `state` rounded to dtype.

    Raises:
        ValueError: names a tensor that differs.
    """
    for name, value in layout.to_llm_pt(tensors, family, codebook_size).items():
        if name in state and not torch.equal(value, state[name].to(dtype)):
            raise ValueError(
                f"{name} is not what the release holds: a text head that is not tied to its embedding, or disk damage"
            )


def adopt(source: Path, target: Path, cfg: DictConfig, codebook_size: int) -> None:
    """A Hugging Face checkpoint as it is (linked, not copied), with the chat template of `cfg`."""
    words = tokenizer.adopt(source, codebook_size, tokenizer.template_of(cfg.template, cfg.instruction))
    words.save_pretrained(target)
    for file in source.iterdir():
        if file.is_file() and not (target / file.name).exists():
            os.symlink(os.path.relpath(file.resolve(), target.parent.resolve() / target.name), target / file.name)


def _weights(cfg: DictConfig) -> str:
    """A models.yaml that was copied before it had the key converts what it then did (`absent_is`)."""
    return cfg.get("weights", "llm.pt")


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Second command of stage `models`."""
    source, settings = Path(cfg.convert.source), cfg.convert
    if settings.dtype not in DTYPES or settings.kind not in ("llm_pt", "huggingface"):
        raise UserError(
            f"convert.dtype={settings.dtype} of {sorted(DTYPES)}, convert.kind={settings.kind} of llm_pt, huggingface"
        )
    with whole_directory(cfg.recipe.sft_dir) as target:
        if settings.kind == "huggingface":
            adopt(source, target, settings, cfg.recipe.codebook_size)
            said = "linked"
        else:
            count = convert(source, target, settings, cfg.recipe.codebook_size)
            said = f"{count} tensors in {settings.dtype}, equal to {_weights(settings)}"
    print(f"{source} -> {cfg.recipe.sft_dir}: {said}; prompt template {settings.template}")


if __name__ == "__main__":
    main()
