"""What infer.synthesise does in one process: texts -> prompts -> answers of each system in each decoding -> files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.given_readings import FIELD, as_field
from data_prep.prompts import PromptMaker
from infer.backends import BACKENDS, Generated
from infer.bounds import text_lengths
from infer.choose import Chooser
from infer.ears import refuse_unheard
from infer.parts import Joined, Speaker, parts_of
from infer.records import check_checkpoints, join_parts, own_part, token_files
from infer.shares import share
from infer.texts import Sentence, prompt_ids, read_sentences
from speech.files import append_jsonl, growing_lines, write_jsonl
from speech.loading import pretrained
from speech.paths import check_outputs
from speech.tokens import parse_speech_tokens


def records(
    sentences: list[Sentence],
    answers: list[Generated],
    tokenizer: PreTrainedTokenizerBase,
    unknown: list[str],
    numbers: Sequence[int] | None = None,
    chosen_by: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of infer.records; `unknown`: what the tokenizer does not know of each text; `numbers` of the sentences among
    all, None: these are all; `chosen_by`: how the answer of each was chosen among several, if it was."""
    numbers, ways = range(len(sentences)) if numbers is None else numbers, chosen_by or [None] * len(sentences)
    for index, sentence, samples, odd, by in zip(numbers, sentences, answers, unknown, ways, strict=True):
        asked = vars(sentence.request) | {FIELD: as_field(sentence.request.readings)}
        asked = {key: value for key, value in asked.items() if key != FIELD or value}
        for sample, (ids, finished) in enumerate(samples):
            tokens, stray = spoken(sentence, ids, tokenizer)
            said = {"tokens": tokens, "finished": finished, "stray": stray}
            said |= {"unknown": odd} if odd else {}
            said |= {"chosen_by": by} if by else {}
            said |= {"messages": sentence.messages} if sentence.drawn else {}  # for stage prefer
            said |= {"parts": parts_of(ids, tokenizer)} if isinstance(ids, Joined) and len(ids.cuts) > 1 else {}
            yield {"index": index, "sample": sample, "where": sentence.where, **asked, **sentence.labels, **said}


def spoken(sentence: Sentence, ids: list[int], tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], str]:
    """Speech tokens of an answer, and what the model wrote beside them, read as the reward reads it. Where a prompt
    ends with the beginning of the sentence's own speech, that belongs to what is heard."""
    tokens, stray = parse_speech_tokens(tokenizer.decode(ids, skip_special_tokens=True))
    return [*sentence.prefix, *tokens], stray


def chosen(
    sentences: list[Sentence], answers: list[Generated], tokenizer: PreTrainedTokenizerBase, chooser: Chooser
) -> tuple[list[Generated], list[str]]:
    """Of the samples of each sentence, the best one alone; and how it was chosen."""
    heard = [
        [spoken(sentence, ids, tokenizer)[0] for ids, _ in several]
        for sentence, several in zip(sentences, answers, strict=True)
    ]
    best = chooser.best(sentences, heard, [[finished for _, finished in several] for several in answers])
    return [[several[one.index]] for several, one in zip(answers, best, strict=True)], [one.by for one in best]


class _Asked:
    """What one system is asked: texts as one prompt each or, with cfg.parts, part after part.

    Args:
        cfg: the stage's configuration.
        maker, tokenizer: of the prompts.
        sentences, numbers: the texts of this process, and which they are among all.
        unknown: what the tokenizer does not know of each.

    Raises:
        BadRows: prompts that are too long.
    """

    def __init__(
        self,
        cfg: DictConfig,
        maker: PromptMaker,
        tokenizer: PreTrainedTokenizerBase,
        sentences: list[Sentence],
        numbers: list[int],
        unknown: list[str],
    ):
        self._maker, self._tokenizer, self._parts = maker, tokenizer, cfg.get("parts")
        self._sentences, self._numbers, self._unknown = sentences, numbers, unknown
        if self._parts is not None:  # each has a prompt of its own
            Speaker(maker, tokenizer, None, self._parts).refuse_too_long(sentences)
        else:
            self._prompts = prompt_ids(sentences, tokenizer, maker)
            self._lengths = text_lengths([maker.as_read(one.request, one.messages) for one in sentences], tokenizer)

    def _answers(self, backend: Any, decoding: DictConfig, some: slice) -> list[Generated]:
        if self._parts is not None:
            speaker = Speaker(self._maker, self._tokenizer, backend.generate, self._parts)
            return speaker.speak(self._sentences[some], decoding, self._numbers[some])
        told = {"text_tokens": self._lengths[some], "places": self._numbers[some]}
        return backend.generate(self._prompts[some], decoding, **told)

    def rows(self, backend: Any, decoding: DictConfig, some: slice, chooser: Chooser | None) -> Iterator[dict]:
        """Rows of some of the texts, see `records`; `chooser`: of a decoding that chooses."""
        answers, ways, sentences = self._answers(backend, decoding, some), None, self._sentences[some]
        if chooser and decoding.get("choose"):
            answers, ways = chosen(sentences, answers, self._tokenizer, chooser)
        return records(sentences, answers, self._tokenizer, self._unknown[some], self._numbers[some], ways)


def synthesise(cfg: DictConfig) -> list[str]:
    """Writes the file of each system and decoding of the configuration, or this process's part of it; returns their
    paths. `block` texts are on the disk before the next ones are spoken; with `begun` (infer/kept.py) those count that
    an interruption left there.

    Raises, before a model is loaded:
        FileNotFoundError: a checkpoint is missing.
        ValueError: a backend that there is not, a text that cannot be spoken, or not without a voice, or in a language
            that the evaluation's ASR does not know, or with a part that no prompt holds.
    """
    if cfg.backend not in BACKENDS:
        raise ValueError(f"backend is one of {sorted(BACKENDS)}, got {cfg.backend!r}")
    check_checkpoints(cfg)
    files, maker = token_files(cfg), PromptMaker(cfg.recipe)
    outputs = {f"tokens of {system}, {decoding}": path for (system, decoding), path in files.items()}
    check_outputs({"texts": cfg.texts, "recipe.voices": cfg.recipe.voices}, outputs)
    every = read_sentences(cfg, maker)
    sentences, numbers = share(every, cfg), share(range(len(every)), cfg)
    refuse_unheard(cfg, [one.request.language for one in sentences])
    for line in maker.warnings():
        print(line, flush=True)
    tokenizers = {system: pretrained(AutoTokenizer, checkpoint) for system, checkpoint in cfg.systems.items()}
    unknown = [maker.unknown(one.request.text, next(iter(tokenizers.values()))) for one in sentences]
    if count := sum(map(bool, unknown)):
        characters = "".join(sorted(set("".join(unknown))))[:40]
        print(f"{count} text(s) with characters that the tokenizer does not know: {characters}", flush=True)
    asked = {name: _Asked(cfg, maker, one, sentences, numbers, unknown) for name, one in tokenizers.items()}
    chooser = Chooser(cfg) if any(decoding.get("choose") for decoding in cfg.decodings.values()) else None
    for system in cfg.systems:
        _speak(cfg, system, asked[system], len(sentences), chooser)
    if cfg.get("share") is None:
        join_parts(files.values(), 1, cfg.get("begun"))
    return list(files.values())


def _speak(cfg: DictConfig, system: str, asked: _Asked, count: int, chooser: Chooser | None) -> None:
    """What a system says to `count` texts, in every decoding, into the files of this process."""
    whole = token_files(cfg)
    files = {name: own_part(whole[system, name], cfg) for name in cfg.decodings}
    there = {name: _said_before(files[name], decoding, cfg, count) for name, decoding in cfg.decodings.items()}
    if all(texts == count for texts in there.values()):
        return
    backend, block = BACKENDS[cfg.backend](cfg.systems[system], cfg), cfg.get("block") or count
    for name, decoding in cfg.decodings.items():
        known = f" ({there[name]} of them are there)" if there[name] else ""
        print(f"{system}, {name}: {count} texts x {decoding.samples}{known} -> {whole[system, name]}", flush=True)
        for first in range(there[name], count, block):
            append_jsonl(files[name], asked.rows(backend, decoding, slice(first, first + block), chooser))
    backend.close()


def _said_before(path: str, decoding: DictConfig, cfg: DictConfig, count: int) -> int:
    """How many of `count` texts a file holds that an interruption left, if this run goes on with it; what is not the
    whole of a text is deleted from it. By transformers, what is not the whole of a block, too: there a seed is a
    batch's, and batches that begin at another text would draw other tokens."""
    rows = growing_lines(Path(path))[0] if cfg.get("begun") else []
    each = 1 if decoding.get("choose") else decoding.samples
    whole = len(rows) // each
    if cfg.backend == "transformers" and whole < count:
        whole -= whole % (cfg.get("block") or count)
    write_jsonl(path, rows[: whole * each])
    return whole
