"""Before a stage that asks the reward server: is it of this recipe and contract, with the files that this run has, and
does it measure what the reward needs?"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from reward_tts.addresses import address
from speech.files import changed_keys, write_text
from stages import server
from stages.config import ROOT, compose_stage, sources
from stages.misfits import goes_on_from
from stages.overrides import Rules, known_to
from stages.preflight import of_others, place
from stages.table import table

TOLD = "reward_server.json"  # what the servers told of themselves, in the training's folder
KEYED = ("loaded", "settings")  # of that, JSON by key
OwnFiles = Callable[[frozenset[str]], tuple[DictConfig, dict[str, dict[str, str]]]]  # `_own_files` of a run


def check_server(
    recipe: str, cfg: DictConfig, overrides: Sequence[str], started: bool = False, of_serve: Sequence[str] = ()
) -> None:
    """SystemExit unless the server at cfg.recipe.server and those of its `more` are of this recipe and contract, have
    loaded the files that are here now, and their scorers measure what recipe.reward needs. One of `more` that is not
    there yet is named: the training gives it rows once it is, and stops if it is another's. `started`: the first one is
    this run's, started a moment ago by the overrides `of_serve`, so that its files need not be read once more. All are
    alike: the client takes them for one."""
    own_files = cache(partial(_own_files, recipe, (*overrides, *of_serve)))  # gigabytes, read once for all servers
    first: tuple[str, Mapping[str, str]] | None = None
    for number, (here, told) in enumerate(_asked(cfg)):
        if told is not None:
            _check_told(recipe, cfg, overrides, here, told, None if started and not number else own_files)
            first = first or (here, told)
            if changes := _changes(first[1], told):
                raise SystemExit(
                    f"run.sh: {here} has another {', '.join(changes)} than {first[0]}: start all servers with the same "
                    "overrides, files and version of the code"
                )
        elif number:
            print(f"run.sh: warning: {here} does not answer yet: nobody knows whether it is of this recipe", flush=True)
        else:
            raise SystemExit(
                f"run.sh: {here} does not tell what it is: no answer in time, or none of a reward server's. If it is "
                "busy, try again; if another program has the port: recipe.server.http_port=..."
            )


def changed_since(cfg: DictConfig) -> str | None:
    """What to say of servers that are others, by models, settings or measures, than those that gave the rewards of the
    checkpoint with which this training goes on. What they tell of themselves is kept beside the checkpoints, with the
    step at which they begin: of those that left no checkpoint nothing is gone on with."""
    folder = OmegaConf.select(cfg, "trainer.default_local_dir")
    asked = {here: told for here, told in _asked(cfg) if told}
    if folder is None or not asked:
        return None
    kept, last = ROOT / folder / TOLD, goes_on_from(cfg)
    step = int(last.name.rpartition("_")[2]) if last else 0
    before = [one for one in _kept(kept) if one["step"] < step]
    begun, now = before[-1]["servers"] if before else [], list(asked.values())
    of_now = [*before, *([] if begun == now else [{"step": step, "servers": now}])]
    if of_now != _kept(kept):
        write_text(kept, json.dumps(of_now))
    found = {here: min((_changes(one, told) for one in begun), key=len, default=[]) for here, told in asked.items()}
    others = [f"{', '.join(changes)} of {here}" for here, changes in found.items() if changes]
    if not others:
        return None
    return (
        f"warning: another reward server than up to step {step} of this training: {'; '.join(others)} changed. It goes "
        "on, and its rewards from here on are not to be compared with those of before"
    )


def _kept(file: Path) -> list[dict[str, Any]]:
    """[{"step": at which the training began, "servers": what each told}], ascending. Before there were steps the file
    was what the first server told."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return found if isinstance(found, list) else [{"step": 0, "servers": [found]}]


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What both tell, and tell otherwise: what came with newer code says nothing of before."""
    found = []
    for name in sorted(before.keys() & now.keys()):
        if before[name] != now[name]:
            keys = changed_keys(json.loads(before[name]), json.loads(now[name])) if name in KEYED else ()
            found.append(f"{name} ({', '.join(keys)})" if keys else name)
    return found


def _asked(cfg: DictConfig) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Each server, the first one first, and what it tells of itself; None: no answer."""
    where = cfg.recipe.server
    yield f"the reward server on {address(where.host, where.http_port)}", server.tells(cfg)
    for further in where.get("more") or ():
        yield f"the reward server on {further} (recipe.server.more)", server.told_by(further, where.model)


def _check_told(
    recipe: str, cfg: DictConfig, overrides: Sequence[str], here: str, tells: Mapping[str, str], own: OwnFiles | None
) -> None:
    """SystemExit unless the server `here`, by what it tells of itself, is one for this training. Its files are compared
    with `own`, if any."""
    if (theirs := tells.get("recipe")) != cfg.recipe.name:
        of = "is of no recipe" if theirs is None else f"is of recipe '{theirs}'"
        raise SystemExit(
            f"run.sh: {here} {of}, not '{cfg.recipe.name}': "
            "stop it, or use other ports: recipe.server.http_port=..., grpc_port, metrics_port"
        )
    if "reward" not in cfg.recipe:
        return
    from reward_tts.measures import CONTRACT
    from reward_tts.reward.reward import Reward, audited_by

    if tells.get("contract") != str(CONTRACT):
        raise SystemExit(
            f"run.sh: {here} speaks contract {tells.get('contract')}, this checkout {CONTRACT}: start both alike"
        )
    if own and (loaded := tells.get("loaded")):
        _check_loaded(here, json.loads(loaded), own)
        _check_settings(here, json.loads(tells.get("settings", "{}")), own(frozenset(json.loads(loaded)))[0])
    audited = audited_by(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    if audited and tells.get("audited") and tells["audited"] != audited:
        print(  # no more than that: groups of algo change the reward in the training alone
            f"run.sh: warning: {here} audits its token ear by another recipe.reward (terms, aggregation, error or "
            "token_ear): the bound that it tells is not that of this reward. Start it again with the same overrides, "
            "or recipe.reward.token_ear=null: every row is heard",
            flush=True,
        )
    offered = tells.get("measures", "").split(",")
    for measure, key in Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True)).needs.items():
        if measure not in offered:
            at = place(f"recipe.reward.{key}", sources(recipe, "grpo", tuple(overrides)), overrides)
            raise SystemExit(
                f"run.sh: {at}: recipe.reward.{key} needs the measure {measure}, which {here} does not offer (it has "
                f"{offered}): add its scorer to server.yaml and start it again"
            )


def _check_loaded(here: str, told: Mapping[str, Sequence[str]], own_files: OwnFiles) -> None:
    """SystemExit with the first file that is another one than the server `here` has loaded: its rewards would be those
    of models and voices that this run does not have, and its mark does not name. Where a file lies is all the same."""
    from reward_tts.loaded import VOICES

    cfg, own = own_files(frozenset(told))
    for key, hashes in told.items():
        if key not in own:
            print(f"run.sh: warning: {here} has loaded {key}, which is not here to be compared", flush=True)
        elif set(hashes) - set(own[key].values()):  # one that came later is read by nobody
            others = (name for name, hashed in own[key].items() if hashed not in hashes)
            path = os.path.normpath(os.path.join(OmegaConf.select(cfg, key), next(others, ".")))
            path += ", or recordings that it names" if key.endswith(VOICES) else ""
            raise SystemExit(
                f"run.sh: {here} has loaded another {path} ({key}): it was made again since, or that server is another "
                "run's. Start it again, or use other ports: recipe.server.http_port=..., grpc_port, metrics_port. "
                "Overrides that the server has and this stage does not know: VERL_TTS_SERVER_OVERRIDES='KEY=VALUE ...'"
            )


def _check_settings(here: str, told: Mapping[str, str], cfg: DictConfig) -> None:
    """SystemExit with the settings of server.yaml (`cfg`, as this run has it) by which the server `here` measures
    otherwise. Which rows it audits, and its noise, may be of another seed: their rewards are as good."""
    from reward_tts.loaded import settings

    own = settings(cfg, cfg.scorers)  # of all scorers: it tells of those that it has loaded
    if others := sorted(key for key in told.keys() & own.keys() - {"recipe.seed"} if told[key] != own[key]):
        raise SystemExit(
            f"run.sh: {here} measures with another {', '.join(others)} than this run has. Start it again with the same "
            "overrides, or give them to this stage as well; those that it does not know: "
            "VERL_TTS_SERVER_OVERRIDES='KEY=VALUE ...'"
        )


def _own_files(
    recipe: str, overrides: tuple[str, ...], keys: frozenset[str]
) -> tuple[DictConfig, dict[str, dict[str, str]]]:
    """server.yaml with what this run says of it, and the files of these keys as they are now (reward_tts/loaded.py)."""
    from reward_tts.loaded import loaded

    given = known_to(recipe, "server", overrides, Rules.of(table(recipe)))
    cfg = compose_stage(recipe, "server", (*given, *of_others(recipe)))
    return cfg, loaded(cfg, keys=keys)
