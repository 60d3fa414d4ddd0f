"""Texts -> speech tokens, by vLLM or, as the reference, by transformers.

    python -m infer.synthesise --config-path <recipe> --config-name eval     # all systems x decodings, a file of texts
    python -m infer.synthesise --config-path <recipe> --config-name infer text=今天天气很好

Prompts are those of stage data (infer/texts.py). Writes one JSONL per system and decoding (see infer.records), whole or
not at all. The same configuration gives the same tokens: each request has its own seed.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessorList,
    PreTrainedTokenizerBase,
    set_seed,
)

from data_prep.prompts import PromptMaker
from infer.choose import Chooser
from infer.records import token_files
from infer.repetition_aware import KEY, ForTransformers, RepetitionAware, for_vllm
from infer.texts import Sentence, prompt_ids, read_sentences
from models.cosyvoice import speech_head  # noqa: F401  registers its model class with transformers
from speech.files import write_jsonl
from speech.jsonl import told_plainly
from speech.loading import pretrained
from speech.paths import check_outputs
from speech.tokens import parse_speech_tokens

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
        if any(KEY in decoding for decoding in cfg.decodings.values()):
            options["logits_processors"] = [for_vllm()]
        self._model = LLM(model=checkpoint, seed=cfg.recipe.seed, **options)
        self._max_tokens = cfg.max_tokens
        self._seed = cfg.recipe.seed

    def generate(self, prompts: list[list[int]], decoding: DictConfig) -> list[Generated]:
        """`decoding.samples` answers for each prompt (token ids), each by a seed of its own: vLLM gives the samples of
        a request its seed and the ones after it, so request i begins with recipe.seed + i * samples. With
        `decoding.repetition_aware`, the parameters of RepetitionAware, its draws are the sampling."""
        from vllm import SamplingParams

        if KEY in decoding:
            return self._repetition_aware(prompts, decoding)
        parameters = [
            SamplingParams(
                n=decoding.samples,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                repetition_penalty=decoding.get("repetition_penalty", 1.0),
                min_tokens=decoding.get("min_tokens", 0),
                max_tokens=self._max_tokens,
                seed=self._seed + index * decoding.samples,
                detokenize=False,
            )
            for index in range(len(prompts))
        ]
        return self._answers(prompts, parameters)

    def _repetition_aware(self, prompts: list[list[int]], decoding: DictConfig) -> list[Generated]:
        from vllm import SamplingParams

        end, least, count = self._model.get_tokenizer().eos_token_id, decoding.get("min_tokens", 0), decoding.samples
        told = OmegaConf.to_container(decoding[KEY], resolve=True) | {"ends": [end], "least": least}
        parameters = [
            SamplingParams(
                temperature=1.0,
                max_tokens=self._max_tokens,
                detokenize=False,
                extra_args={KEY: told | {"seed": self._seed + index}},
            )
            for index in range(len(prompts) * count)
        ]
        flat = self._answers([prompt for prompt in prompts for _ in range(count)], parameters)
        return [[one for (one,) in flat[i : i + count]] for i in range(0, len(flat), count)]

    def _answers(self, prompts: list[list[int]], parameters: list[Any]) -> list[Generated]:
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
    """The same by transformers' `generate`, batched: slower, and what vLLM is compared with.

    Args:
        checkpoint: Hugging Face directory.
        cfg: the stage's configuration; `transformers` holds batch_size, device (torch's name, or auto: a GPU if there
            is one) and dtype (torch's name, or auto: float32 on the CPU, elsewhere that of `vllm`).
    """

    def __init__(self, checkpoint: str, cfg: DictConfig):
        self._device, dtype = place(cfg)
        model = pretrained(AutoModelForCausalLM, checkpoint, dtype=dtype)
        self._model = model.to(self._device).eval()
        self.tokenizer = pretrained(AutoTokenizer, checkpoint, padding_side="left")
        ends = self._model.generation_config.eos_token_id  # vLLM, too, stops at all of them
        self._ends = sorted({self.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})
        self._batch_size = cfg.transformers.batch_size
        self._max_tokens = cfg.max_tokens
        self._seed = cfg.recipe.seed

    @torch.inference_mode()
    def generate(self, prompts: list[list[int]], decoding: DictConfig, seed: int | None = None) -> list[Generated]:
        """As VllmBackend.generate, but seeded once for each batch, from `seed` or recipe.seed on."""
        answers: list[Generated] = []
        seed = self._seed if seed is None else seed
        for start in tqdm(range(0, len(prompts), self._batch_size), desc="generate", unit="batch"):
            set_seed(seed + start)
            chosen = {"input_ids": prompts[start : start + self._batch_size]}
            batch = self.tokenizer.pad(chosen, return_tensors="pt").to(self._device)
            sampling = {"do_sample": decoding.temperature > 0, "num_return_sequences": decoding.samples}
            if KEY in decoding:
                first, rows = seed + start * decoding.samples, len(batch["input_ids"]) * decoding.samples
                how = RepetitionAware(**decoding[KEY])
                seeds, least = range(first, first + rows), [decoding.get("min_tokens", 0)] * rows
                drawn = ForTransformers(how, batch["input_ids"].shape[1], seeds, self._ends, least)
                sampling |= {"do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0}
                sampling["logits_processor"] = LogitsProcessorList([drawn])
            elif decoding.temperature > 0:
                top_k = max(decoding.top_k, 0)  # vLLM's -1 (all) is transformers' 0
                sampling |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": top_k}
            ids = self._model.generate(
                **batch,
                **sampling,
                repetition_penalty=decoding.get("repetition_penalty", 1.0),
                min_new_tokens=0 if KEY in decoding else decoding.get("min_tokens", 0),
                max_new_tokens=self._max_tokens,
                eos_token_id=self._ends,
                pad_token_id=self.tokenizer.pad_token_id,
            )[:, batch["input_ids"].shape[1] :]
            flat = [self._cut(row) for row in ids.tolist()]
            answers += [flat[i : i + decoding.samples] for i in range(0, len(flat), decoding.samples)]
        return answers

    def _cut(self, ids: list[int]) -> tuple[list[int], bool]:
        place = next((place for place, index in enumerate(ids) if index in self._ends), None)
        return (ids, False) if place is None else (ids[:place], True)

    def close(self) -> None:
        del self._model
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def place(cfg: DictConfig) -> tuple[torch.device, torch.dtype]:
    """Where transformers computes, and in what: see TransformersBackend. Raises ValueError for an unknown dtype."""
    own, gpu = cfg.transformers, torch.cuda.is_available()
    device = torch.device(("cuda" if gpu else "cpu") if own.device == "auto" else own.device)
    name = own.dtype
    if name == "auto":
        name = "float32" if device.type == "cpu" else cfg.vllm.dtype
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"transformers.dtype={name}: no dtype of torch, such as float32 or bfloat16, nor auto")
    return device, dtype


BACKENDS = {"vllm": VllmBackend, "transformers": TransformersBackend}


def _without_end(ids: list[int], finished: bool, end: int) -> tuple[list[int], bool]:
    return (ids[:-1] if ids and ids[-1] == end else ids), finished


def records(
    sentences: list[Sentence], answers: list[Generated], tokenizer: PreTrainedTokenizerBase, unknown: list[str]
) -> Iterator[dict[str, Any]]:
    """Rows of infer.records; `stray` is what the model wrote beside speech tokens, read as the reward reads it. Where a
    prompt ends with the beginning of the sentence's own speech, that belongs to what is heard. `unknown`: what the
    tokenizer does not know of each text."""
    for index, (sentence, samples, odd) in enumerate(zip(sentences, answers, unknown, strict=True)):
        for sample, (ids, finished) in enumerate(samples):
            tokens, stray = parse_speech_tokens(tokenizer.decode(ids, skip_special_tokens=True))
            said = {"tokens": [*sentence.prefix, *tokens], "finished": finished, "stray": stray}
            said |= {"unknown": odd} if odd else {}
            yield {"index": index, "sample": sample, **vars(sentence.request), **said}


def chosen(
    sentences: list[Sentence], answers: list[Generated], tokenizer: PreTrainedTokenizerBase, chooser: Chooser
) -> list[Generated]:
    """Of the samples of each sentence, the best one alone."""
    spoken = [[parse_speech_tokens(tokenizer.decode(ids))[0] for ids, _ in several] for several in answers]
    return [[several[k]] for several, k in zip(answers, chooser.best(sentences, spoken), strict=True)]


def synthesise(cfg: DictConfig) -> list[str]:
    """Writes the file of each system and decoding of the configuration; returns their paths.

    Raises, before a model is loaded:
        FileNotFoundError: a checkpoint is missing.
        ValueError: a backend that there is not, a text that cannot be spoken, or not without a voice.
    """
    if cfg.backend not in BACKENDS:
        raise ValueError(f"backend is one of {sorted(BACKENDS)}, got {cfg.backend!r}")
    for system, checkpoint in cfg.systems.items():
        if not (Path(checkpoint) / "config.json").exists():
            raise FileNotFoundError(f"no checkpoint of {system} in {checkpoint}: train it first (GRPO: and merge it)")
    files, maker = token_files(cfg), PromptMaker(cfg.recipe)
    outputs = {f"tokens of {system}, {decoding}": path for (system, decoding), path in files.items()}
    check_outputs({"texts": cfg.texts, "recipe.voices": cfg.recipe.voices}, outputs)
    sentences = read_sentences(cfg, maker)
    tokenizers = {system: pretrained(AutoTokenizer, checkpoint) for system, checkpoint in cfg.systems.items()}
    unknown = [maker.unknown(one.request.text, next(iter(tokenizers.values()))) for one in sentences]
    if count := sum(map(bool, unknown)):
        characters = "".join(sorted(set("".join(unknown))))[:40]
        print(f"{count} texts hold characters that the tokenizer does not know: {characters}", flush=True)
    prompts = {system: prompt_ids(sentences, tokenizer, maker) for system, tokenizer in tokenizers.items()}
    chooser = Chooser(cfg) if any(decoding.get("choose") for decoding in cfg.decodings.values()) else None
    for system, checkpoint in cfg.systems.items():
        backend = BACKENDS[cfg.backend](checkpoint, cfg)
        for name, decoding in cfg.decodings.items():
            print(f"{system}, {name}: {len(sentences)} texts x {decoding.samples} -> {files[system, name]}", flush=True)
            answers = backend.generate(prompts[system], decoding)
            if chooser and decoding.get("choose"):
                answers = chosen(sentences, answers, tokenizers[system], chooser)
            write_jsonl(files[system, name], records(sentences, answers, tokenizers[system], unknown))
        backend.close()
    return list(files.values())


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        synthesise(cfg)


if __name__ == "__main__":
    main()
