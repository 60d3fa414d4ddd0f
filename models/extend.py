"""A text model learns the alphabet of speech: its tokenizer gets speech and control tokens, its embeddings their rows.

    python -m models.extend --config-path <recipes/NAME> --config-name models

Reads a Hugging Face checkpoint (any Llama, Qwen2, ... or one that has the tokens already, as Llasa's) and writes a
whole one that SFT, verl and vLLM start from: chat template and end of speech are those of the recipe. Control tokens
become special ones; speech tokens do not, so that `decode(skip_special_tokens=True)` keeps them.
"""

import json
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from tokenizers import AddedToken
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from data_prep.prompt_template import encode_prompt
from speech.faults import UserError, told_plainly
from speech.files import whole_directory
from speech.loading import pretrained
from speech.tokens import format_speech_tokens
from speech.voices import Voice


def extend_tokenizer(tokenizer: PreTrainedTokenizerBase, cfg: DictConfig, codebook_size: int) -> list[str]:
    """Adds what the tokenizer lacks of `cfg.tokens` and of the speech tokens, in this order, behind all others; sets
    chat template, end and padding token. Returns what was added. Tokens that are there stay where they are, in whatever
    order: a speech token is known by its name.

    Raises:
        ValueError: a speech token is no token of its own afterwards, or the padding token is not there.
    """
    known = tokenizer.get_vocab()
    control = [token for token in cfg.tokens if token not in known]
    speech = [name for n in range(codebook_size) if (name := format_speech_tokens([n])) not in known]
    tokenizer.add_tokens([AddedToken(name, normalized=False, special=True) for name in control], special_tokens=True)
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in tqdm(speech, desc="speech tokens")])
    names = [format_speech_tokens([n]) for n in range(codebook_size)]
    ids, own = tokenizer.convert_tokens_to_ids(names), tokenizer.get_added_vocab()
    if len(set(ids)) != codebook_size or not own.keys() >= set(names):
        odd = next(name for name, i in zip(names, ids, strict=True) if name not in own or ids.count(i) > 1)
        raise ValueError(f"{odd} is no added token with an id of its own in {tokenizer.name_or_path}")
    if cfg.pad_token not in tokenizer.get_vocab():
        raise UserError(f"extend.pad_token={cfg.pad_token} is no token of {tokenizer.name_or_path}")
    tokenizer.eos_token, tokenizer.pad_token = cfg.end_token, cfg.pad_token
    tokenizer.chat_template = cfg.chat_template
    return control + speech


def check_published(old: PreTrainedTokenizerBase, new: PreTrainedTokenizerBase, cfg: DictConfig, template: Any) -> None:
    """Whether the prompts of `cfg.published` come out as the published tokenizer's own chat template makes them.

    Raises:
        ValueError: they do not; with both prompts.
    """
    for case in OmegaConf.to_container(cfg.published, resolve=True):
        voice = case.get("voice") and Voice("check", case["voice"]["text"], tuple(case["voice"]["speech_tokens"]))
        found = new.decode(encode_prompt(new, template(case["text"], voice=voice)))
        ids = old.apply_chat_template(case["messages"], tokenize=True, return_dict=False, **case["arguments"])
        if (wanted := new.decode(ids)) != found:
            raise ValueError(f"extend.chat_template does not make the published prompt:\n{found!r}\n{wanted!r}")


def extend_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, mean_resizing: bool, seed: int) -> None:
    """Rows of the embeddings for all tokens, and the tokens that end and pad in the model's own settings.

    `mean_resizing`: new rows are drawn around the mean of the old ones with 1e-9 of their covariance, as transformers
    does by default (Hewitt, 2021), so that they begin as nearly one vector; else as at the beginning of a training from
    nothing.
    """
    torch.manual_seed(seed)
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=mean_resizing)
    for settings in (model.config, model.generation_config):
        settings.eos_token_id, settings.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
        settings.bos_token_id = tokenizer.bos_token_id


def extend(cfg: DictConfig) -> Path:
    """Writes extend.output from extend.base. Raises FileNotFoundError without a checkpoint there."""
    own, base = cfg.extend, Path(cfg.extend.base)
    if not (base / "config.json").exists():
        raise FileNotFoundError(f"{base} (extend.base) holds no Hugging Face checkpoint: stage models fetches it")
    published, tokenizer = pretrained(AutoTokenizer, base), pretrained(AutoTokenizer, base)
    added = extend_tokenizer(tokenizer, own, cfg.recipe.codebook_size)
    check_published(published, tokenizer, own, hydra.utils.get_method(cfg.recipe.prompt_template))
    dtype = own.dtype if own.dtype == "auto" else getattr(torch, own.dtype)
    model = pretrained(AutoModelForCausalLM, base, dtype=dtype)
    extend_model(model, tokenizer, own.mean_resizing, cfg.recipe.seed)
    for key, value in OmegaConf.to_container(own.generation, resolve=True).items():
        setattr(model.generation_config, key, value)
    own_speech = {format_speech_tokens([n]) for n in range(cfg.recipe.codebook_size)}
    with whole_directory(own.output) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        speech = sum(name in own_speech for name in added)
        record = {"added": len(added), "speech": speech, "first": added[:9]}
        (temporary / "added_speech_tokens.json").write_text(json.dumps(record) + "\n")
    print(f"[extend] {base} -> {own.output}: {len(added)} tokens added, {len(tokenizer)} in all", flush=True)
    return Path(own.output)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    extend(cfg)


if __name__ == "__main__":
    main()
