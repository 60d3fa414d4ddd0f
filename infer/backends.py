"""What continues a prompt with speech tokens: a checkpoint in vLLM, or, as the reference, in transformers."""

import gc
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessor,
    LogitsProcessorList,
)

from infer.bounds import FrequencyPenalty, NotBefore, bounds
from infer.repetition_aware import KEY, ForTransformers, RepetitionAware, for_vllm
from models.cosyvoice import speech_head  # noqa: F401  registers its model class with transformers
from speech.faults import UserError
from speech.loading import pretrained

Generated = list[tuple[list[int], bool]]  # per sample: token ids without the end token, ended by itself
SEEDS_APART = 1_000_003  # a prime, more than a text has samples


def first_seed(seed: int, place: int, samples: int) -> int:
    """Of the first sample of the text at `place` among all; the other samples of a text have the seeds after it. With
    recipe.seed itself as the first of all, the next recipe.seed would draw all samples of a text but one again. Below
    2**32: torch's generator on a CPU knows no more of a seed.

    >>> first_seed(0, 3, 8), first_seed(1, 3, 8)
    (24, 1000027)
    """
    return (seed * SEEDS_APART + place * samples) % (1 << 32)


def aware(decoding: DictConfig) -> dict[str, Any] | None:
    """Parameters of RepetitionAware, at the decoding's temperature; None for a decoding without it, or a greedy one."""
    if decoding.get(KEY) is None or decoding.temperature == 0:
        return None
    return {"temperature": float(decoding.temperature)} | OmegaConf.to_container(decoding[KEY], resolve=True)


def ends(tokenizers: int | None, models: int | list[int] | None) -> list[int]:
    """What ends an answer: the tokenizer's end and those of the model's generation_config. vLLM stops at all of them.

    >>> ends(3, [1, 3])
    [1, 3]
    >>> ends(3, None)
    [3]
    """
    return sorted({tokenizers, *(models if isinstance(models, list) else [models])} - {None})


class VllmBackend:
    """A checkpoint in vLLM. `close` before loading the next one.

    Args:
        checkpoint: Hugging Face directory.
        cfg: the stage's configuration; `vllm` holds keyword arguments of vllm.LLM, its seed is `recipe.seed`. The
            process has `vllm_environment` since before torch was imported (infer/synthesise.py).
    """

    def __init__(self, checkpoint: str, cfg: DictConfig):
        from vllm import LLM  # here, because it takes long

        options = OmegaConf.to_container(cfg.vllm, resolve=True)
        if any(aware(decoding) for decoding in cfg.decodings.values()):
            options["logits_processors"] = [for_vllm()]
        self._model = LLM(model=checkpoint, seed=cfg.recipe.seed, **options)
        told = self._model.llm_engine.model_config.try_get_generation_config()
        self._ends = ends(self._model.get_tokenizer().eos_token_id, told.get("eos_token_id"))
        self._max_tokens, self._seed = cfg.max_tokens, cfg.recipe.seed

    def generate(
        self,
        prompts: list[list[int]],
        decoding: DictConfig,
        *,
        text_tokens: Sequence[int] | None = None,
        places: Sequence[int] | None = None,
    ) -> list[Generated]:
        """`decoding.samples` answers for each prompt (token ids), each by a seed of its own: vLLM gives the samples of
        a request its seed and the ones after it, so each text begins with `first_seed`. With
        `decoding.repetition_aware`, the parameters of RepetitionAware, its draws are the sampling, unless it is
        greedy. `text_tokens` of each text, for a decoding that bounds answers by them: infer/bounds.py. `places` of the
        prompts among all that there are, of which these may be a share or a part; None: these are all."""
        from vllm import SamplingParams

        spans = bounds(decoding, text_tokens, len(prompts), self._max_tokens)
        places = range(len(prompts)) if places is None else places
        if aware(decoding):
            return self._repetition_aware(prompts, decoding, spans, places)
        parameters = [
            SamplingParams(
                n=decoding.samples,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                repetition_penalty=decoding.get("repetition_penalty", 1.0),
                frequency_penalty=decoding.get("frequency_penalty", 0.0),
                min_tokens=least,
                max_tokens=most,
                seed=first_seed(self._seed, place, decoding.samples),
                detokenize=False,
            )
            for place, (least, most) in zip(places, spans, strict=True)
        ]
        return self._answers(prompts, parameters)

    def _repetition_aware(
        self, prompts: list[list[int]], decoding: DictConfig, spans: list[tuple[int, int]], places: Sequence[int]
    ) -> list[Generated]:
        from vllm import SamplingParams

        count, told = decoding.samples, aware(decoding) | {"ends": self._ends}
        parameters = [
            SamplingParams(
                temperature=1.0,
                max_tokens=most,
                detokenize=False,
                extra_args={KEY: told | {"seed": first_seed(self._seed, place, count) + sample, "least": least}},
            )
            for place, (least, most) in zip(places, spans, strict=True)
            for sample in range(count)
        ]
        flat = self._answers([prompt for prompt in prompts for _ in range(count)], parameters)
        return [[one for (one,) in flat[i : i + count]] for i in range(0, len(flat), count)]

    def _answers(self, prompts: list[list[int]], parameters: list[Any]) -> list[Generated]:
        requests = [{"prompt_token_ids": prompt} for prompt in prompts]
        bar = partial(tqdm, mininterval=0.5 if sys.stderr.isatty() else 10)  # in a log each change is a line's length
        answers = self._model.generate(requests, parameters, use_tqdm=bar)
        return [[self._cut(list(o.token_ids), o.finish_reason == "stop") for o in a.outputs] for a in answers]

    def _cut(self, ids: list[int], finished: bool) -> tuple[list[int], bool]:
        return (ids[:-1] if ids and ids[-1] in self._ends else ids), finished

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
        self._ends = ends(self.tokenizer.eos_token_id, self._model.generation_config.eos_token_id)
        self._batch_size = cfg.transformers.batch_size
        self._max_tokens, self._seed = cfg.max_tokens, cfg.recipe.seed

    @torch.inference_mode()
    def generate(
        self,
        prompts: list[list[int]],
        decoding: DictConfig,
        seed: int | None = None,
        text_tokens: Sequence[int] | None = None,
        places: Sequence[int] | None = None,
    ) -> list[Generated]:
        """As VllmBackend.generate, but seeded once for each batch, by `seed` or recipe.seed and its first place."""
        answers: list[Generated] = []
        seed, places = self._seed if seed is None else seed, range(len(prompts)) if places is None else places
        spans = bounds(decoding, text_tokens, len(prompts), self._max_tokens)
        starts = range(0, len(prompts), self._batch_size)
        for start in tqdm(starts, desc="generate", unit="batch", disable=len(starts) < 2):
            torch.manual_seed(seed + places[start])
            chosen = {"input_ids": prompts[start : start + self._batch_size]}
            batch = self.tokenizer.pad(chosen, return_tensors="pt").to(self._device)
            sampling = {"do_sample": decoding.temperature > 0, "num_return_sequences": decoding.samples}
            rows = [span for span in spans[start : start + self._batch_size] for _ in range(decoding.samples)]
            least, width = [low for low, _ in rows], batch["input_ids"].shape[1]
            own: list[LogitsProcessor] = [NotBefore(width, self._ends, least)]
            own += [FrequencyPenalty(width, penalty)] if (penalty := decoding.get("frequency_penalty", 0.0)) else []
            if how := aware(decoding):
                count, own_places = decoding.samples, places[start : start + self._batch_size]
                seeds = [first_seed(seed, place, count) + k for place in own_places for k in range(count)]
                own = [ForTransformers(RepetitionAware(**how), width, seeds, self._ends, least)]
                sampling |= {"do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0}
            elif decoding.temperature > 0:
                top_k = max(decoding.top_k, 0)  # vLLM's -1 (all) is transformers' 0
                sampling |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": top_k}
            ids = self._model.generate(
                **batch,
                **sampling,
                logits_processor=LogitsProcessorList(own),
                repetition_penalty=1.0 if how else decoding.get("repetition_penalty", 1.0),
                max_new_tokens=max(most for _, most in rows),
                eos_token_id=self._ends,
                pad_token_id=self.tokenizer.pad_token_id,
            )[:, width:]
            flat = [self._cut(row[:most]) for row, (_, most) in zip(ids.tolist(), rows, strict=True)]
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
        raise UserError(f"transformers.dtype={name}: no dtype of torch, such as float32 or bfloat16, nor auto")
    return device, dtype


BACKENDS = {"vllm": VllmBackend, "transformers": TransformersBackend}
