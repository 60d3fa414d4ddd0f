"""Speech tokens -> wave files, through the recipe's own token2wav (the one that the reward server uses).

    python -m infer.decode --config-path <recipe> --config-name infer

Reads the token files that `infer.synthesise` wrote with the same configuration and prints the path of each wave, which
is named by its text. No wave is written over; which is of which row says the manifest beside them (infer/waves.py), by
which the same command over a file of texts goes on where it was interrupted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import hydra
import numpy as np
from omegaconf import DictConfig

from infer.cache import identity
from infer.given_voice import use_given
from infer.records import Utterance, read_utterances, token_files
from infer.waves import Manifest, write_waves
from speech.faults import UserError, told_plainly
from speech.files import fingerprint, write_text
from speech.interfaces import Row, Token2Wav

# Utterances decoded and written at once. Not in the YAML: they come sorted by length, a token2wav divides them by its
# own batch_size, and each wave is what it would be alone; more at once would only hold more in memory.
_CHUNK = 32
_TOLD = 10  # texts of each fault that are named
LAST = "last.txt"  # in waves_dir: the paths of the last command, which run.sh shows at its end


def decode(token2wav: Token2Wav, utterances: list[Utterance], crossfade_s: float = 0.0) -> list[np.ndarray]:
    """One wave float32 [samples] per utterance, in order; of no tokens, no samples. Parts of an utterance are decoded
    each by itself and joined over `crossfade_s` seconds.

    Raises:
        ValueError: a token outside the codebook, with the utterance's index.
    """
    refuse_outside(token2wav, utterances)
    rows = [(i, row) for i, utterance in enumerate(utterances) for row in rows_of(utterance)]
    found: dict[int, np.ndarray] = {}
    spoken = sorted((k for k, (_, row) in enumerate(rows) if len(row.tokens)), key=lambda k: len(rows[k][1].tokens))
    for start in range(0, len(spoken), _CHUNK):
        chosen = spoken[start : start + _CHUNK]
        found |= zip(chosen, token2wav.decode([rows[k][1] for k in chosen]), strict=True)
    pieces: list[list[np.ndarray]] = [[] for _ in utterances]
    for k, (i, _) in enumerate(rows):
        pieces[i] += [found[k]] if k in found else []
    return [own[0] if len(own) == 1 else join(own, token2wav.sample_rate, crossfade_s) for own in pieces]


def rows_of(utterance: Utterance) -> list[Row]:
    """The utterance's parts, or itself."""
    whole, begin, found = row_of(utterance), 0, []
    for number in utterance.parts or (len(utterance.tokens),):
        found.append(replace(whole, tokens=whole.tokens[begin : begin + number]))
        begin += number
    return found


def join(waves: Sequence[np.ndarray], rate: int, seconds: float) -> np.ndarray:
    """The waves float32 [samples] one after another; each begins within the last `seconds` of the one before, which
    fades out while it fades in (linear), so that there is no step between them.

    >>> join([np.ones(4, np.float32), np.ones(4, np.float32)], rate=2, seconds=1.0).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    whole = np.zeros(0, np.float32)
    for wave in waves:
        overlap = min(round(seconds * rate), len(whole), len(wave))
        rising = (np.arange(overlap, dtype=np.float32) + 0.5) / max(1, overlap)
        both = whole[len(whole) - overlap :] * (1 - rising) + wave[:overlap] * rising
        whole = np.concatenate([whole[: len(whole) - overlap], both, wave[overlap:]]).astype(np.float32)
    return whole


def row_of(utterance: Utterance) -> Row:
    """For token2wav and scorers; with its text: of a row that names no voice some token2wav choose one by it."""
    return Row(np.asarray(utterance.tokens, np.int32), utterance.voice, utterance.language, utterance.text)


def refuse_outside(token2wav: Token2Wav, utterances: Iterable[Utterance]) -> None:
    """Raises ValueError: a token outside the codebook, with the utterance's index."""
    for utterance in utterances:
        if utterance.tokens and max(utterance.tokens) >= token2wav.codebook_size:
            raise ValueError(
                f"utterance {utterance.index} has speech token {max(utterance.tokens)}, the codebook of "
                f"{type(token2wav).__name__} ends at {token2wav.codebook_size - 1}: tokens of another recipe?"
            )


def write_all(
    token2wav: Token2Wav, utterances: list[Utterance], folder: str, crossfade_s: float, made_by: str | None
) -> list[str]:
    """Writes the waves of the utterances into the folder, some at a time and the shortest first: what was written stays
    where a later one fails. By `made_by` (infer.waves.Manifest's identity) those that are there are not made again.
    Returns the paths of all in the order of the utterances.

    Raises:
        ValueError: see decode; nothing is written then.
    """
    refuse_outside(token2wav, utterances)
    manifest, rate = Manifest(folder, made_by), token2wav.sample_rate
    paths = manifest.paths(utterances)
    left = [k for k, path in enumerate(paths) if path is None or not Path(path).exists()]
    left.sort(key=lambda k: len(utterances[k].tokens))
    for start in range(0, len(left), _CHUNK):
        chosen = left[start : start + _CHUNK]
        some, own = [utterances[k] for k in chosen], [paths[k] for k in chosen]
        waves = decode(token2wav, some, crossfade_s)
        manifest.add(some, own, [len(wave) / rate for wave in waves])
        write_waves(own, waves, rate)
    return [path for path in paths if path is not None and Path(path).exists()]


def faults(utterances: list[Utterance]) -> Iterator[str]:
    """Lines about texts of which there is no wave, or one that is not what was asked for. Whether the model ended by
    itself nobody knows of a row that does not say it."""
    kinds = {
        "no wave, nothing was said": [one for one in utterances if not one.tokens],
        "cut off before the model ended": [one for one in utterances if one.tokens and one.finished is False],
        "something beside speech tokens, which nobody hears": [one for one in utterances if one.stray],
    }
    for what, found in kinds.items():
        for one in found[:_TOLD]:
            yield f"{what}: {one.where or f'text {one.index}'} {one.text}"
        if len(found) > _TOLD:
            yield f"{what}: {len(found)} of {len(utterances)} in all"


def out_of(cfg: DictConfig) -> str | None:
    """Where `out` puts the one wave, which is the only one that may be written over.

    Raises:
        ValueError: not a .wav, or one file for the waves of several systems or decodings.
    """
    if cfg.get("out") is None:
        return None
    if Path(cfg.out).suffix.lower() != ".wav":
        raise UserError(f"out={cfg.out}: waves are written as .wav")
    if len(token_files(cfg)) > 1 or cfg.texts is not None:
        raise UserError(f"out={cfg.out} is one wave: of one text, by one system and decoding; others go to waves_dir")
    return str(cfg.out)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    use_given(cfg)
    out, fade = out_of(cfg), (cfg.get("parts") or {}).get("crossfade_s", 0.0)
    made_by = None if cfg.texts is None else fingerprint(identity("infer.decode", cfg, ["token2wav"]), fade)
    token2wav, written = hydra.utils.instantiate(cfg.token2wav), []
    for (system, decoding), path in token_files(cfg).items():
        utterances = read_utterances(path, cfg.recipe.language)
        if out is None:
            written += write_all(token2wav, utterances, f"{cfg.waves_dir}/{system}.{decoding}", fade, made_by)
        else:
            written += write_waves([out] * len(utterances), decode(token2wav, utterances, fade), token2wav.sample_rate)
        for line in faults(utterances):
            print(f"{system}, {decoding}: {line}")
    write_text(f"{cfg.waves_dir}/{LAST}", "".join(f"{path}\n" for path in written))
    print(*written, sep="\n")
    if out is not None and not written:
        raise UserError(f"out={out} was not written: the model said nothing")


if __name__ == "__main__":
    main()
