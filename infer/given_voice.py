"""One sentence with any recording: `voice_wav=me.wav voice_text="what is said in it"` of stage infer.

    python -m infer.given_voice --config-path <recipe> --config-name infer voice_wav=me.wav voice_text="..."

writes the voice with its speech tokens where the stage's other two commands find it. Without voice_wav nothing is done.
Beside it are those of recipe.voices, which rows of texts=FILE may name.
With voice_text=auto the words are what the recipe's ASR hears in it.
Without voice_text the CosyVoice recipes speak with the recording and prompt their language model with nothing of it.
"""

from itertools import chain
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from speech.faults import UserError, told_plainly
from speech.templates import takes_unprompted

NAME, AUTO = "given", "auto"


def use_given(cfg: DictConfig) -> None:
    """Lets a stage's configuration speak with the given voice, if there is one; said by synthesis and decoding.

    Raises:
        ValueError: words without a recording, a recording without its words where the prompt needs them, or a recipe
            without voices.
    """
    wav, text = cfg.get("voice_wav"), cfg.get("voice_text")
    if wav is None and text is None:
        return
    if wav is None:
        raise UserError(f"voice_text={text}: and voice_wav=FILE, the recording in which it is said")
    if cfg.voices.encoder is None:
        raise UserError(
            f"voice_wav={wav}: {cfg.recipe.name} has a voice of its own and speaks with no other (its recipe names no "
            "encoder of recordings, chosen_encoder)"
        )
    if text is None and not takes_unprompted(cfg.recipe.prompt_template):
        said = 'voice_text="what is said in it", which is in the prompt, or voice_text=auto'
        raise UserError(f"voice_wav={wav}: and {said}")
    if cfg.get("voice") is not None:
        raise UserError(f"voice={cfg.voice} and voice_wav={wav}: one of them, please")
    cfg.recipe.voices = cfg.voice_file
    cfg.voice = NAME


def _words(cfg: DictConfig, wav: Path) -> dict[str, Any]:
    """What a voice's line has of words. Raises UserError: the ASR heard none, or cannot hear."""
    if cfg.voice_text is None:
        return {"prompted": False}
    if str(cfg.voice_text) != AUTO:
        return {"text": str(cfg.voice_text), "language": cfg.voice_language}
    from data_prep.heard import Ear
    from speech.waves import AudioLimits

    ear = Ear(cfg.voices.asr, AudioLimits(cfg.voices.max_seconds, key="voices.max_seconds"))
    try:
        heard = ear.hear(wav, cfg.voice_language)
    except ValueError as error:
        raise UserError(f"voice_text={AUTO}: {error}") from None
    if not heard:
        raise UserError(f"voice_text={AUTO}: nothing is heard in {wav}: name its words")
    print(f"voice_text={AUTO}: heard in {wav}: {heard}", flush=True)
    return {"text": heard, "language": cfg.voice_language, "transcribed": True}


def _rows(voices: str | None, folder: Path) -> list[dict[str, Any]]:
    """Lines of a file of voices, none where it is not made yet, for another file in `folder`. Raises ValueError: see
    read_voices."""
    if voices is None or not Path(voices).is_file():
        return []
    from speech.jsonl import read_rows
    from speech.paths import relative
    from speech.voices import read_voices

    read_voices(voices)  # refuses what is no voice
    rows = [row for _, _, row in read_rows(voices) if row["name"] != NAME]
    files = ("wav", "embedding", "mel")  # relative to the file that names them
    return [row | {k: relative(Path(voices).parent / row[k], folder) for k in files if row.get(k)} for row in rows]


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    from infer.decode import out_of  # it imports this module

    others = cfg.recipe.voices if cfg.texts is not None else None  # before use_given
    try:
        use_given(cfg)
        out_of(cfg)  # refused before the model has spoken: this is the stage's first command
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if cfg.voice_wav is None:
        return
    from data_prep.encode_voices import encoded
    from speech.files import write_jsonl
    from speech.paths import check_outputs, input_file

    with told_plainly():
        wav = input_file(cfg.voice_wav, "a recording to speak with (voice_wav)")
        inputs = {"voice_wav": wav, "recipe.voices": others}
        check_outputs(inputs, {"voice_file": cfg.voice_file, "out": cfg.out})
        rows = _rows(others, Path(cfg.voice_file).parent)
        told = str(Path(cfg.voice_file).with_suffix(".told.jsonl"))
        write_jsonl(told, [{"name": NAME, **_words(cfg, wav), "wav": str(wav.resolve())}])
        encoder = OmegaConf.to_container(cfg.voices.encoder, resolve=True)  # it refers to the rest of cfg
        own = {"input": told, "output": cfg.voice_file, "encoder": encoder}
        try:
            given = encoded(DictConfig(own | {"max_seconds": cfg.voices.max_seconds}))
            write_jsonl(cfg.voice_file, chain(given, rows))
        except ValueError as error:
            raise SystemExit(str(error)) from None
    print(f"voice of {wav} -> {cfg.voice_file}")


if __name__ == "__main__":
    main()
