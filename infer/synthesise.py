"""Texts -> speech tokens, by vLLM or, as the reference, by transformers.

    python -m infer.synthesise --config-path <recipe> --config-name eval     # all systems x decodings, a file of texts
    python -m infer.synthesise --config-path <recipe> --config-name infer text=今天天气很好

Prompts come from the recipe's template and the tokenizer, as in training. Writes one JSONL per system and decoding (see
infer.records), whole or not at all. The same configuration gives the same tokens: each request has its own seed.
"""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase, set_seed

from data_prep import phoneme_in
from data_prep.prompt_template import encode_prompt
from data_prep.voices import Voice, read_voices, voice_of
from infer.records import token_files, write_jsonl
from reward_tts.speech_tokens import parse_speech_tokens

Generated = list[tuple[list[int], bool]]  # per sample: token ids without the end token, ended by itself


class VllmBackend:
    """A checkpoint in vLLM. `close` before loading the next one.

    Args:
        checkpoint: Hugging Face directory.
        cfg: the stage's configuration; `vllm` holds keyword arguments of vllm.LLM, its seed is `recipe.seed`.
    """

    def __init__(self, checkpoint: str, cfg: DictConfig):
        for name, value in cfg.vllm_environment.items():
            os.environ.setdefault(name, str(value))
        from vllm import LLM  # here, because it reads the environment and takes long

        options = OmegaConf.to_container(cfg.vllm, resolve=True)
        self._model = LLM(model=checkpoint, seed=cfg.recipe.seed, **options)
        self._max_tokens = cfg.max_tokens
        self._seed = cfg.recipe.seed

    def generate(self, prompts: list[list[int]], decoding: DictConfig) -> list[Generated]:
        """`decoding.samples` answers for each prompt (token ids); request i is seeded with recipe.seed + i."""
        from vllm import SamplingParams

        parameters = [
            SamplingParams(
                n=decoding.samples,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                repetition_penalty=decoding.get("repetition_penalty", 1.0),
                min_tokens=decoding.get("min_tokens", 0),
                max_tokens=self._max_tokens,
                seed=self._seed + index,
                detokenize=False,
            )
            for index in range(len(prompts))
        ]
        requests = [{"prompt_token_ids": prompt} for prompt in prompts]
        answers = self._model.generate(requests, parameters, use_tqdm=True)
        end = self._model.get_tokenizer().eos_token_id
        return [[_without_end(list(o.token_ids), o.finish_reason == "stop", end) for o in a.outputs] for a in answers]

    def close(self) -> None:
        """Frees the model and vLLM's process group, so that another checkpoint can be loaded in this process."""
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        self._model.llm_engine.engine_core.shutdown()
        del self._model
        cleanup_dist_env_and_memory()


class TransformersBackend:
    """The same by transformers' `generate`, batched, in float32: slower, and what vLLM is compared with."""

    def __init__(self, checkpoint: str, cfg: DictConfig):
        self._model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(checkpoint, padding_side="left")
        self._batch_size = cfg.transformers_batch_size
        self._max_tokens = cfg.max_tokens
        self._seed = cfg.recipe.seed

    @torch.inference_mode()
    def generate(self, prompts: list[list[int]], decoding: DictConfig) -> list[Generated]:
        """As VllmBackend.generate, but seeded once for each batch."""
        answers: list[Generated] = []
        for start in tqdm(range(0, len(prompts), self._batch_size), desc="generate", unit="batch"):
            set_seed(self._seed + start)
            batch = self._tokenizer.pad({"input_ids": prompts[start : start + self._batch_size]}, return_tensors="pt")
            sampling = {"do_sample": decoding.temperature > 0, "num_return_sequences": decoding.samples}
            if decoding.temperature > 0:
                top_k = max(decoding.top_k, 0)  # vLLM's -1 (all) is transformers' 0
                sampling |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": top_k}
            ids = self._model.generate(
                **batch,
                **sampling,
                repetition_penalty=decoding.get("repetition_penalty", 1.0),
                min_new_tokens=decoding.get("min_tokens", 0),
                max_new_tokens=self._max_tokens,
                eos_token_id=self._tokenizer.eos_token_id,
                pad_token_id=self._tokenizer.pad_token_id,
            )[:, batch["input_ids"].shape[1] :]
            flat = [self._cut(row) for row in ids.tolist()]
            answers += [flat[i : i + decoding.samples] for i in range(0, len(flat), decoding.samples)]
        return answers

    def _cut(self, ids: list[int]) -> tuple[list[int], bool]:
        end = self._tokenizer.eos_token_id
        return (ids[: ids.index(end)], True) if end in ids else (ids, False)

    def close(self) -> None:
        del self._model
        gc.collect()


BACKENDS = {"vllm": VllmBackend, "transformers": TransformersBackend}


def _without_end(ids: list[int], finished: bool, end: int) -> tuple[list[int], bool]:
    return (ids[:-1] if ids and ids[-1] == end else ids), finished


def read_texts(cfg: DictConfig) -> list[dict[str, Any]]:
    """`text` (with `voice`, if there is one), or the rows of the JSONL `texts`, each with text, language and voice; the
    first `limit` of them.

    Raises:
        FileNotFoundError: no such file. ValueError: a row without a text, with file and line; no text at all.
    """
    text = cfg.get("text")  # infer.yaml has it, eval.yaml has not
    if text is not None:
        rows = [{"text": str(text), "voice": cfg.get("voice")}]
    elif not Path(cfg.texts).exists():
        raise FileNotFoundError(f"{cfg.texts} is missing: no texts to speak (the stage `data` makes it)")
    else:
        rows = [json.loads(line) for line in Path(cfg.texts).read_text(encoding="utf-8").splitlines()]
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("text"), str) or not row["text"].strip():
            where = "text=" if text is not None else f"{cfg.texts}, line {number}, field text"
            raise ValueError(f"{where}: expected something to say, got {row.get('text')!r}")
    if not rows:
        raise ValueError(f"{cfg.texts} holds no text")
    defaults = {"language": cfg.recipe.language, "voice": None}
    return [{**defaults, **row} for row in rows[: cfg.limit]]


def prompts_of(
    rows: list[dict[str, Any]],
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    voices: dict[str, Voice],
    phonemes: phoneme_in.Speaker | None = None,
) -> list[list[int]]:
    """Token ids that the model continues with speech; `template` names the recipe's function, `phonemes` is what
    recipe.phoneme_in says.

    Raises:
        ValueError: a row's voice is not among the voices.
    """
    build = hydra.utils.get_method(template)
    said = [phonemes(row["text"], row["language"], False) if phonemes else row["text"] for row in rows]
    messages = [build(text, voice=voice_of(row["voice"], voices)) for text, row in zip(said, rows, strict=True)]
    return [encode_prompt(tokenizer, prompt) for prompt in messages]


def records(
    rows: list[dict[str, Any]], answers: list[Generated], tokenizer: PreTrainedTokenizerBase
) -> Iterator[dict[str, Any]]:
    """Rows of infer.records; `stray` is what the model wrote beside speech tokens, read as the reward reads it."""
    for index, (row, samples) in enumerate(zip(rows, answers, strict=True)):
        for sample, (ids, finished) in enumerate(samples):
            tokens, stray = parse_speech_tokens(tokenizer.decode(ids, skip_special_tokens=True))
            said = {"tokens": tokens, "finished": finished, "stray": stray}
            yield {"index": index, "sample": sample, **{k: row[k] for k in ("text", "language", "voice")}, **said}


def synthesise(cfg: DictConfig) -> list[str]:
    """Writes the file of each system and decoding of the configuration; returns their paths.

    Raises:
        FileNotFoundError: a checkpoint is missing. ValueError: a backend that there is not.
    """
    if cfg.backend not in BACKENDS:
        raise ValueError(f"backend is one of {sorted(BACKENDS)}, got {cfg.backend!r}")
    for system, checkpoint in cfg.systems.items():
        if not (Path(checkpoint) / "config.json").exists():
            raise FileNotFoundError(f"no checkpoint of {system} in {checkpoint}: train it first (GRPO: and merge it)")
    rows = read_texts(cfg)
    files, voices, phonemes = token_files(cfg), read_voices(cfg.recipe.voices), phoneme_in.of_recipe(cfg.recipe)
    for system, checkpoint in cfg.systems.items():
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        prompts = prompts_of(rows, tokenizer, cfg.recipe.prompt_template, voices, phonemes)
        backend = BACKENDS[cfg.backend](checkpoint, cfg)
        for name, decoding in cfg.decodings.items():
            print(f"{system}, {name}: {len(prompts)} texts x {decoding.samples} -> {files[system, name]}", flush=True)
            answers = backend.generate(prompts, decoding)
            write_jsonl(files[system, name], records(rows, answers, tokenizer))
        backend.close()
    return list(files.values())


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    synthesise(cfg)


if __name__ == "__main__":
    main()
