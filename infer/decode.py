"""Speech tokens -> wave files, through the recipe's own token2wav (the one that the reward server uses).

    python -m infer.decode --config-path <recipe> --config-name infer

Reads the token files that `infer.synthesise` wrote with the same configuration and prints the path of each wave, which
is named by its text. No wave is written over.
"""

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import hydra
import numpy as np
import soundfile
from omegaconf import DictConfig

from infer.records import Utterance, read_utterances, token_files
from speech.files import whole_file, write_text
from speech.interfaces import Row, Token2Wav

# Utterances given to token2wav at once. Not in the YAML: they come sorted by length, a token2wav divides them by its
# own batch_size, and each wave is what it would be alone; more at once would only hold more in memory.
_CHUNK = 32
_NAME_LENGTH = 40  # characters of a text in a file's name, which ends at 255 bytes
LAST = "last.txt"  # in waves_dir: the paths of the last command, which run.sh shows at its end


def decode(token2wav: Token2Wav, utterances: list[Utterance]) -> list[np.ndarray]:
    """One wave float32 [samples] per utterance, in order; of no tokens, no samples.

    Raises:
        ValueError: a token outside the codebook, with the utterance's index.
    """
    for utterance in utterances:
        if utterance.tokens and max(utterance.tokens) >= token2wav.codebook_size:
            raise ValueError(
                f"utterance {utterance.index} has speech token {max(utterance.tokens)}, the codebook of "
                f"{type(token2wav).__name__} ends at {token2wav.codebook_size - 1}: tokens of another recipe?"
            )
    waves = [np.zeros(0, np.float32)] * len(utterances)
    spoken = sorted((i for i, u in enumerate(utterances) if u.tokens), key=lambda i: len(utterances[i].tokens))
    for start in range(0, len(spoken), _CHUNK):
        chosen = spoken[start : start + _CHUNK]
        rows = [row_of(utterances[i]) for i in chosen]
        for i, wave in zip(chosen, token2wav.decode(rows), strict=True):
            waves[i] = wave
    return waves


def row_of(utterance: Utterance) -> Row:
    """For token2wav and scorers; with its text: of a row that names no voice some token2wav choose one by it."""
    return Row(np.asarray(utterance.tokens, np.int32), utterance.voice, utterance.language, utterance.text)


def write_waves(paths: Iterable[str], waves: Iterable[np.ndarray], rate: int) -> list[str]:
    """16-bit wave files; returns the paths of those that were written: without sound there is none."""
    written = []
    for path, wave in zip(paths, waves, strict=True):
        if len(wave):
            with whole_file(path) as temporary:
                soundfile.write(temporary, wave, rate, format="WAV", subtype="PCM_16")
            written.append(path)
    return written


def by_number(folder: str, utterances: Iterable[Utterance]) -> list[str]:
    """Paths that are the same for every model: folder/<index>-<sample>.wav."""
    return [f"{folder}/{utterance.index}-{utterance.sample}.wav" for utterance in utterances]


def by_text(folder: str, utterances: Iterable[Utterance]) -> list[str]:
    """Paths by what is said, folder/今天三点.wav; where one is there already, or is given twice, folder/今天三点-2.wav
    and so on: nothing is written over."""
    paths: list[str] = []
    for utterance in utterances:
        name = "_".join(re.findall(r"\w+", utterance.text))[:_NAME_LENGTH] or "wave"
        numbers = (f"{folder}/{name}" + (f"-{number}" if number > 1 else "") + ".wav" for number in count(1))
        paths.append(next(path for path in numbers if path not in paths and not Path(path).exists()))
    return paths


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    token2wav, written = hydra.utils.instantiate(cfg.token2wav), []
    for (system, decoding), path in token_files(cfg).items():
        utterances = read_utterances(path, cfg.recipe.language)
        paths = by_text(f"{cfg.waves_dir}/{system}.{decoding}", utterances)
        written += write_waves(paths, decode(token2wav, utterances), token2wav.sample_rate)
        for utterance in (u for u in utterances if not u.tokens):
            print(f"no wave: {system} said nothing ({decoding}) for: {utterance.text}")
    write_text(f"{cfg.waves_dir}/{LAST}", "".join(f"{path}\n" for path in written))
    print(*written, sep="\n")


if __name__ == "__main__":
    main()
