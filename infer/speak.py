"""What infer.synthesise does in one process: texts -> prompts -> answers of each system in each decoding -> files."""

from collections.abc import Iterator, Sequence
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
from infer.records import check_checkpoints, own_part, token_files
from infer.shares import share
from infer.texts import Sentence, prompt_ids, read_sentences
from speech.files import write_jsonl
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
    best = chooser.best(sentences, heard)
    return [[several[one.index]] for several, one in zip(answers, best, strict=True)], [one.by for one in best]


def synthesise(cfg: DictConfig) -> list[str]:
    """Writes the file of each system and decoding of the configuration; returns their paths.

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
    whole = cfg.get("parts") is None
    prompts = {system: prompt_ids(sentences, tok, maker) for system, tok in tokenizers.items() if whole}
    for tokenizer in [] if whole else tokenizers.values():  # the parts of long texts have prompts of their own
        Speaker(maker, tokenizer, None, cfg.parts).refuse_too_long(sentences)
    said = [maker.as_read(one.request, one.messages) for one in sentences]
    lengths = {system: text_lengths(said, tokenizer) for system, tokenizer in tokenizers.items()}
    chooser = Chooser(cfg) if any(decoding.get("choose") for decoding in cfg.decodings.values()) else None
    for system, checkpoint in cfg.systems.items() if sentences else []:
        backend = BACKENDS[cfg.backend](checkpoint, cfg)
        for name, decoding in cfg.decodings.items():
            print(f"{system}, {name}: {len(sentences)} texts x {decoding.samples} -> {files[system, name]}", flush=True)
            if cfg.get("parts") is not None:
                speaker = Speaker(maker, tokenizers[system], backend.generate, cfg.parts)
                answers = speaker.speak(sentences, decoding, numbers)
            else:
                answers = backend.generate(prompts[system], decoding, text_tokens=lengths[system], places=numbers)
            ways = None
            if chooser and decoding.get("choose"):
                answers, ways = chosen(sentences, answers, tokenizers[system], chooser)
            rows = records(sentences, answers, tokenizers[system], unknown, numbers, ways)
            write_jsonl(own_part(files[system, name], cfg), rows)
        backend.close()
    for path in [] if sentences else files.values():  # a process without a share
        write_jsonl(own_part(path, cfg), [])
    return list(files.values())
