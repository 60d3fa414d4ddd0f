"""What the reward server could not measure of a training: terms that no scorer of it offers, and texts of which it
cannot say how likely they are. Each completion of such a text would end the run, in the midst of it."""

import ast
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from data_prep.weights import paths
from speech.files import read_jsonl, write_jsonl
from stages import processes
from stages.config import ROOT
from stages.misfits import Fault

LEFT_OUT, LISTED = "reward.custom_reward_function.reward_kwargs.left_out", "without_measure.jsonl"
TEXTS = ("data.train_files", "data.val_files")
_PROMPT_OF_WHISPER = 4  # start, language, task, no timestamps
_TOLD = 5  # texts that cannot be measured
_BY_SHORTCUT = "token_ear"  # measured before any scorer (reward_tts/server/shortcut.py)
Write = Callable[[Path, list[dict[str, Any]]], None]  # JSONL
Reason = Callable[[str, str], str]  # (text, language) -> why it has no measure; empty if it has one
# The measure, what makes its reason of the folder of the model that is asked, that folder, and when the model was made.
Ear = tuple[str, Callable[[Path], Reason], str, int | None]


def of_terms(cfg: DictConfig, server: DictConfig) -> Iterator[Fault]:
    """Measures that recipe.reward needs and no class in this server.yaml offers, as far as their sources say what they
    offer: none of them is imported, they are of the reward server's environment."""
    offered: set[str] = set()
    for part in (server.asr, *(one for one in (server.get("scorers") or {}).values() if one)):
        if (measures := provided(str(part._target_))) is None:
            return
        offered |= set(measures)
    for measure, key in _needs(cfg).items():
        if measure not in offered and measure != _BY_SHORTCUT:
            why = f"needs the measure {measure}, which no scorer of server.yaml offers (they offer {sorted(offered)})"
            yield f"recipe.reward.{key}", f"{why}: add one that does, docs/reward.md"


def provided(target: str) -> tuple[str, ...] | None:
    """`provides` of the class `target` (dotted) or of one that it extends, from their sources; None where it is not
    written there as it is."""
    module, _, name = target.rpartition(".")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not str(spec.origin).endswith(".py"):
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    own = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)
    found = None
    for node in ast.walk(own) if own else ():
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [ast.unparse(one) for whole in targets if whole for one in getattr(whole, "elts", [whole])]
        if not {"provides", "self.provides"}.intersection(names):
            continue
        try:
            value = ast.literal_eval(node.value) if names == ["provides"] else None
        except ValueError:
            value = None
        if not isinstance(value, tuple):
            return None
        found = (found or ()) + value
    if found is not None or own is None:
        return found
    froms = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    imported = {one.asname or one.name: f"{node.module}.{one.name}" for node in froms for one in node.names}
    bases = (provided(imported.get(base, f"{module}.{base}")) for base in map(ast.unparse, own.bases))
    return next((measures for measures in bases if measures is not None), None)


def _needs(cfg: DictConfig) -> dict[str, str]:
    """As `Reward.needs`; nothing where there is no reward, or a wrong one, which check_reward names with its place."""
    from reward_tts.reward.config import RewardConfigError
    from reward_tts.reward.reward import Reward

    if "reward" not in cfg.recipe:
        return {}
    try:
        return Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True)).needs
    except RewardConfigError:
        return {}


def of_texts(cfg: DictConfig, server: DictConfig, write: Write | None = None) -> Iterator[Fault]:
    """A training whose reward asks how likely a text is, and texts that the ear which is asked cannot spell, or finds
    too long. As far as texts and ear are there.

    Args:
        write: writes all of them, with what is left out already, to LISTED in the work folder, which may be what is
            left out. None: nothing runs here.
    """
    left = OmegaConf.select(cfg, LEFT_OUT)
    try:
        known = {row["text"]: row for row in read_jsonl(ROOT / left)} if left else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield LEFT_OUT, f'is {left}, no JSONL of {{"text": ...}} that can be read: {error!r}'
        return
    ears, found, at = _asked(cfg, server), [], None
    for key in TEXTS:
        for file in paths(OmegaConf.select(cfg, key)):
            rows = _without(file, _time_of(Path(file)), cfg.recipe.language, ears) if ears else []
            found += [row for row in rows if row["text"] not in known]
            at = at or (key if found else None)
    if not found:
        return
    listed = f"{cfg.recipe.work_dir}/{LISTED}"
    if write:
        write(ROOT / listed, [*known.values(), *found])
    told = "; ".join(f"{row['file']}, text {row['row']} {row['why']}" for row in found[:_TOLD])
    told += f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    later = "" if write else ", which the run itself writes when it is refused"
    yield at, f"have texts that the reward cannot measure: {told}. Without them: {LEFT_OUT}={listed}{later}"


def write_locked(path: Path, rows: list[dict[str, Any]]) -> None:
    """As write_jsonl, of whom has not locked the work folder: another run there may read what it would replace."""
    with processes.locked(path.parent, processes.RUN_LOCK):
        write_jsonl(path, rows)


def read_by(cfg: DictConfig, server: DictConfig) -> list[str]:
    """The files and folders that of_texts reads, less what is left out."""
    texts = [file for key in TEXTS for file in paths(OmegaConf.select(cfg, key))]
    return texts + [folder for _, _, folder, _ in _asked(cfg, server)]


def _asked(cfg: DictConfig, server: DictConfig) -> tuple[Ear, ...]:
    needs = _needs(cfg)
    return tuple(ear for ear in _ears(server) if ear[0] in needs)


def _time_of(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None


@cache  # of a run that looks before its first stage and before its training
def _without(file: str, _time: int | None, language: str, ears: tuple[Ear, ...]) -> list[dict[str, Any]]:
    """The rows of a parquet of stage data that one of these ears cannot be asked about: what they are to say, where
    they are, and why.

    Args:
        language: of rows that name none.
    """
    models = dict.fromkeys((make, folder) for _, make, folder, _ in ears)  # of two measures: asked once
    reasons, found = [make(Path(folder)) for make, folder in models], []
    for number, (text, own) in enumerate(_rows_of(file, language), 1):
        if why := "; ".join(filter(None, (reason(text, own) for reason in reasons))):
            found.append({"text": text, "file": file, "row": number, "why": why})
    return found


def _ears(server: DictConfig) -> Iterator[Ear]:
    """Those of server.yaml whose models are there."""
    scorers = [one for one in (server.get("scorers") or {}).values() if one]
    whisper = ("tokenizer.json", "config.json")
    for measure, parts, ending, names, make in (
        ("nll", scorers, ".WhisperLikelihood", whisper, _of_whisper),
        ("ctc_nll", [server.asr], ".WhisperASR", whisper, _of_whisper),
        ("ctc_nll", [server.asr], ".SenseVoiceASR", ("*bpe.model",), _of_sensevoice),
        ("token_nll", scorers, ".TokenLikelihood", ("token_ear.json",), _of_token_ear),
    ):
        for part in (one for one in parts if str(one._target_).endswith(ending)):
            files = [next(iter(Path(part.model_dir).glob(name)), None) for name in names]
            if all(files):
                yield measure, make, str(part.model_dir), _time_of(files[0])


def _rows_of(file: str, language: str) -> Iterator[tuple[str, str]]:
    """(what it is to say, its language) of the rows of a parquet of stage data; nothing where it is not there.

    Args:
        language: of rows that name none.
    """
    import pyarrow.parquet as pq  # run.sh imports this file each time it starts

    if not Path(file).exists() or "reward_model" not in (schema := pq.read_schema(file)).names:
        return
    named = "extra_info" in schema.names and schema.field("extra_info").type.get_field_index("language") >= 0
    columns = ["reward_model.ground_truth", *(["extra_info.language"] if named else [])]
    for batch in pq.ParquetFile(file).iter_batches(columns=columns):
        for row in batch.to_pylist():
            yield row["reward_model"]["ground_truth"], (row.get("extra_info") or {}).get("language") or language


def _of_whisper(folder: Path) -> Reason:
    """Whisper reads so many tokens of a text, on a GPU an index beyond them ends the whole process."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    most = json.loads((folder / "config.json").read_text())["max_target_positions"] - _PROMPT_OF_WHISPER

    def reason(text: str, language: str) -> str:
        # A token is of one byte at least, so that most texts need not be looked at.
        size = len(tokenizer.encode(text, add_special_tokens=False)) if len(text.encode()) > most else 0
        return f"has {size} of Whisper's tokens, more than {most} ({text[:20]!r}...)" if size > most else ""

    return reason


def _of_sensevoice(folder: Path) -> Reason:
    """SenseVoice has no symbol for some characters. A text of characters that it has, all of them letters, is spelled
    by these: only the others need be read, which takes longer."""
    from sentencepiece import SentencePieceProcessor

    from reward_tts.asr.symbols import symbols

    vocabulary = SentencePieceProcessor(model_file=str(next(folder.glob("*bpe.model"))))
    known: dict[str, bool] = {}

    def is_known(sign: str) -> bool:
        if sign not in known:
            letter = sign.isalpha() and vocabulary.unk_id() not in vocabulary.EncodeAsIds(sign.lower())
            known[sign] = letter or sign == " "
        return known[sign]

    def reason(text: str, language: str) -> str:
        return "" if all(map(is_known, text)) else _error_of(symbols, vocabulary, text, language)

    return reason


def _of_token_ear(folder: Path) -> Reason:
    """The token ear spells by the units of pronunciation that it has heard. To read a text takes half a millisecond."""
    from reward_tts.token_ear import first_reading

    told = json.loads((folder / "token_ear.json").read_text(encoding="utf-8"))
    units, languages = frozenset(told["units"]), told.get("languages")  # None: of before they were kept

    def reason(text: str, language: str) -> str:
        if languages is not None and language not in languages:
            return f"is in {language}, which the token ear has not learned ({text[:20]!r}...)"
        unknown = sorted(set(first_reading(text, language)) - units)
        return f"has {unknown}, which the token ear never heard ({text[:20]!r}...)" if unknown else ""

    return reason


def _error_of(function: Callable[..., Any], *args: Any) -> str:
    try:
        function(*args)
    except ValueError as error:
        return f"cannot be spelled: {error}"
    return ""
