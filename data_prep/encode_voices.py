"""Recordings of voices -> the same voices with their speech tokens, as zero-shot recipes want them.

    python -m data_prep.encode_voices --config-path <recipes/NAME> --config-name data voices.input=my/recordings.jsonl

`voices.input` has {"name", "text", "wav"}, perhaps "language", on each line (speech/voices.py), `voices.output` gets
speech_tokens beside them, by the recipe's `voices.encoder`. A voice that names its speech tokens keeps them. What was
encoded is kept beside the output, in a file that ends in .made: neither an interruption nor another text has a
recording encoded again.
Without `voices.input` nothing is done: the recipe's voices are what recipe.voices holds, if it names a file.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from data_prep.heard import Ear, known_part, made_of
from data_prep.instructions import words_of_voice
from data_prep.read_shards import MADE
from speech.faults import UserError, told_plainly
from speech.files import append_jsonl, growing_lines, write_jsonl
from speech.jsonl import BadField, BadRows
from speech.paths import check_outputs, relative
from speech.voices import Voice, read_voices
from speech.waves import AudioLimits, check_header, read_wave

_INPUT = "voices.input; null if the voices are made already"


def _limits(max_seconds: float) -> AudioLimits:
    return AudioLimits(max_seconds, key="voices.max_seconds")


def _in_wav(function: Callable[..., Any], *args: Any) -> Any:
    """Its result; a ValueError names the field."""
    try:
        return function(*args)
    except ValueError as error:
        raise ValueError(f"field 'wav': {error}") from error


def speech_tokens(voice: Voice, encoder: Any, max_seconds: float) -> list[int]:
    """Of the voice's recording.

    Raises:
        ValueError: it cannot be read, is longer than `max_seconds` or shorter than one token.
    """
    wave = _in_wav(read_wave, voice.wav, encoder.sample_rate, _limits(max_seconds))
    (tokens,) = encoder.encode([wave])
    if not len(tokens):
        raise ValueError(f"field 'wav': {voice.wav} is shorter than one speech token")
    return tokens.tolist()


def _wrong(voice: Voice, cfg: DictConfig) -> str | None:
    """Why a voice cannot be encoded, as far as its recording's header tells."""
    if voice.speech_tokens:
        return None
    if not voice.wav:
        return "names neither speech_tokens nor wav"
    if not Path(voice.wav).is_file():
        return f"field 'wav': {voice.wav} is missing"
    try:
        _in_wav(check_header, voice.wav, _limits(cfg.max_seconds))
    except ValueError as error:
        return str(error)
    return None


def _check_words(cfg: DictConfig, voices: Iterable[Voice], template: str | None) -> None:
    """Whether each recording says its voice's words, as far as the recipe's ASR can tell: a prompt whose words are not
    those of its speech spoils every text that is said with it.

    Raises:
        BadRows: voices in whose recordings other words are heard, or whose words no prompt may hold, all of them.
    """
    ear, faults = Ear(cfg.asr, _limits(cfg.max_seconds), f"{cfg.output}.heard"), []
    there = [voice for voice in voices if voice.text and voice.wav and Path(voice.wav).is_file()]
    for voice in tqdm(there, desc="words", unit="voice", mininterval=5):
        try:
            said = words_of_voice(voice, template)["text"] if template else voice.text
            problem = ear.problem(voice.wav, said, voice.language or cfg.language, cfg.check)
        except BadField as bad:
            problem = bad.reason
        if problem:
            faults.append(f"{cfg.input}: voice {voice.name!r}: field 'text': {problem}")
    if faults:
        raise BadRows(faults, then="nothing was encoded; voices.check=null takes the words as they are")


def encoded(cfg: DictConfig, template: str | None = None) -> Iterator[dict[str, Any]]:
    """Rows of `voices.output`, in the order of `voices.input`; the encoder is made when the first voice needs it.

    Args:
        cfg: branch `voices` of the configuration.
        template: the recipe's prompt_template; what its prompts begin with anyway is none of a voice's words.

    Raises:
        BadRows: voices whose recording is not there, or no sound, or (`voices.check`) says other words, all of them,
            before the encoder is made.
        ValueError: a voice that cannot be encoded, by its name. Others as read_voices.
    """
    encoder, known, voices = None, None, read_voices(cfg.input, _INPUT)
    kept = Path(f"{cfg.output}.made")
    made = {row["made_of"]: row["tokens"] for row in growing_lines(kept)[0]}
    wrong = {voice.name: why for voice in voices.values() if (why := _wrong(voice, cfg))}
    if wrong:
        faults = [f"{cfg.input}: voice {name!r}: {why}" for name, why in wrong.items()]
        raise BadRows(faults, then="nothing was encoded")
    if cfg.get("check") is not None:
        _check_words(cfg, voices.values(), template)
    for voice in tqdm(voices.values(), desc="voices", unit="voice", mininterval=5):
        tokens = list(voice.speech_tokens)
        try:
            if not tokens:
                known = known or known_part(cfg.encoder)
                tokens = made.get(key := made_of(voice.wav, *known))
            if tokens is None:
                encoder = encoder or hydra.utils.instantiate(cfg.encoder)
                tokens = speech_tokens(voice, encoder, cfg.max_seconds)
                kept.parent.mkdir(parents=True, exist_ok=True)
                append_jsonl(kept, [{"made_of": key, "tokens": tokens}])
        except ValueError as error:
            raise ValueError(f"{cfg.input}: voice {voice.name!r}: {error}") from error
        row = {"name": voice.name} | ({"text": voice.text} if voice.text else {}) | {"speech_tokens": tokens}
        row |= {} if voice.prompted else {"prompted": False}
        row |= {"language": voice.language} if voice.language else {}
        for key in ("wav", "embedding", "mel"):
            if path := getattr(voice, key):
                row[key] = relative(path, Path(cfg.output).parent)
        yield row | ({"description": voice.description} if voice.description else {})


def _check_kept(cfg: DictConfig) -> None:
    """Raises BadRows: the output has voices that read_shards made of a corpus, and that would be lost."""
    if not Path(cfg.output).is_file():
        return
    gone = read_voices(cfg.output, "voices.output").keys() - read_voices(cfg.input, _INPUT).keys()
    if lost := sorted(filter(MADE.fullmatch, gone)):
        told = f"{cfg.output} (voices.output) holds {len(lost)} voices of read_shards that {cfg.input} (voices.input)"
        way = "voices.input=null keeps it as it is, another voices.output keeps both; or delete it"
        raise BadRows.of(f"{told} lacks, such as {', '.join(lost[:5])}: {way}")


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Branch `voices` of the configuration."""
    own = cfg.voices
    if own.input is None:
        print("voices.input is null: no recordings to encode")
        return
    with told_plainly():
        if own.output is None:
            raise UserError("voices.output is null: name the file, or recipe.voices")
        check_outputs({"voices.input": own.input}, {"voices.output": own.output})
        _check_kept(own)
        write_jsonl(own.output, encoded(own, OmegaConf.select(cfg, "recipe.prompt_template")))
    print(f"voices of {own.input} -> {own.output}")


if __name__ == "__main__":
    main()
