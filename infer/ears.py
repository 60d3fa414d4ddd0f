"""Whether the evaluation's ASR knows the languages that it is to hear: asked before anything is trained or spoken."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from speech.jsonl import BadField, read_rows

_OTHERS = "another `ear` (recipes/common/ear), of another family than the reward's ASR, may"


def known_languages(cfg: DictConfig) -> list[str] | None:
    """Those that ear.languages names, a list or a mapping; None: it names none, and the ASR is asked row by row."""
    known = OmegaConf.select(cfg, "ear.languages")
    return None if known is None else list(known)


def unheard(cfg: DictConfig, languages: Iterable[str]) -> list[str]:
    """Those of the languages that the evaluation's ASR does not know, sorted."""
    known = known_languages(cfg)
    return [] if known is None else sorted(set(languages) - set(known))


def refuse_unheard(cfg: DictConfig, languages: Iterable[str]) -> None:
    """Raises ValueError if the evaluation's ASR does not know one of the languages of what is to be spoken."""
    if unknown := unheard(cfg, languages):
        raise ValueError(f"there are texts in {', '.join(unknown)}, {_not_known(cfg)}")


def _not_known(cfg: DictConfig) -> str:
    asr = cfg.ear._target_.rpartition(".")[2]
    return f"which the evaluation's ASR ({asr}) does not know: it has {', '.join(known_languages(cfg))}; {_OTHERS}"


def of_ear(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """An evaluation and its ASR: (key, what is wrong with it). Its texts count or, before they are there, the language
    of rows that name none."""
    if known_languages(cfg) is None:
        return
    found = _of_texts(cfg)
    key, verb = ("recipe.language", "is") if found is None else ("texts", "has rows in")
    if unknown := unheard(cfg, [cfg.recipe.language] if found is None else found):
        yield key, f"{verb} {', '.join(unknown)}, {_not_known(cfg)}"


def left_out(cfg: DictConfig) -> str | None:
    """What to say of an ASR that does not know all languages that the recipe's texts may be in, before they are there;
    None of another one."""
    own, known = cfg.recipe.get("languages"), known_languages(cfg)
    if known is None or _of_texts(cfg) is not None or (own is not None and not unheard(cfg, own)):
        return None
    return f"the evaluation's ASR knows {', '.join(known)} and no other language: texts in another one are refused"


def _of_texts(cfg: DictConfig) -> set[str] | None:
    """The languages of the texts that are to be spoken; None as long as they are not there."""
    path, limit = Path(str(cfg.texts)), cfg.get("limit")
    if not path.is_file():
        return None
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq  # here: the page needs none, and its environment has none

        return set(pq.read_table(path, columns=["extra_info.language"])["language"][:limit].to_pylist())
    given = (row for _, _, row in islice(read_rows(path), limit))
    return {str(row.get("language") or cfg.recipe.language) for row in given if not isinstance(row, BadField)}
