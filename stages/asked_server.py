"""Before a stage that asks the reward server: is it of this recipe and contract, with the files that this run has, and
does it measure what the reward needs?"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from omegaconf import DictConfig, OmegaConf

from reward_tts.addresses import address
from speech.files import changed_keys, write_text
from stages import server
from stages.config import ROOT, compose_stage, sources
from stages.overrides import Rules, known_to
from stages.preflight import of_others, place
from stages.table import table

TOLD = "reward_server.json"  # what the server told of itself, in the training's folder
KEYED = ("loaded", "settings")  # of that, JSON by key
OwnFiles = Callable[[frozenset[str]], tuple[DictConfig, dict[str, dict[str, str]]]]  # `_own_files` of a run


def check_server(recipe: str, cfg: DictConfig, overrides: Sequence[str], started: bool = False) -> None:
    """SystemExit unless the server at cfg.recipe.server and those of its `more` are of this recipe and contract, have
    loaded the files that are here now, and their scorers measure what recipe.reward needs. One of `more` that is not
    there yet is named: the training gives it rows once it is, and stops if it is another's. `started`: the first one is
    this run's, started a moment ago, so that its files need not be read once more."""
    where = cfg.recipe.server
    here = f"the reward server on {address(where.host, where.http_port)}"
    if (told := server.tells(cfg)) is None:
        raise SystemExit(
            f"run.sh: {here} does not tell what it is: no answer in time, or none of a reward server's. If it is busy, "
            "try again; if another program has the port: recipe.server.http_port=..."
        )
    own_files = cache(partial(_own_files, recipe, tuple(overrides)))  # gigabytes, read once for all servers
    _check_told(recipe, cfg, overrides, here, told, None if started else own_files)
    for further in where.get("more") or ():
        here = f"the reward server on {further} (recipe.server.more)"
        if (told := server.told_by(further, where.model)) is None:
            print(f"run.sh: warning: {here} does not answer yet: nobody knows whether it is of this recipe", flush=True)
        else:
            _check_told(recipe, cfg, overrides, here, told, own_files)


def changed_since(cfg: DictConfig) -> str | None:
    """What to say of a server at cfg.recipe.server that is another one than when this training last began: by models,
    settings or measures. What it tells of itself is kept beside the checkpoints, for the next time."""
    folder, told = OmegaConf.select(cfg, "trainer.default_local_dir"), server.tells(cfg)
    if folder is None or told is None:
        return None
    kept = ROOT / folder / TOLD
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else told
    write_text(kept, json.dumps(told))
    found = []
    for name in before.keys() & told.keys():  # what came with newer code says nothing of before
        if before[name] != told[name]:
            keys = changed_keys(json.loads(before[name]), json.loads(told[name])) if name in KEYED else ()
            found.append(f"{name} ({', '.join(keys)})" if keys else name)
    if not found:
        return None
    return (
        f"warning: the reward server is another one than when this training last began: {', '.join(sorted(found))} "
        "changed. It goes on, and its rewards from here on are not to be compared with those of before"
    )


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


def _own_files(
    recipe: str, overrides: tuple[str, ...], keys: frozenset[str]
) -> tuple[DictConfig, dict[str, dict[str, str]]]:
    """server.yaml with what this run says of it, and the files of these keys as they are now (reward_tts/loaded.py)."""
    from reward_tts.loaded import loaded

    given = known_to(recipe, "server", overrides, Rules.of(table(recipe)))
    cfg = compose_stage(recipe, "server", (*given, *of_others(recipe)))
    return cfg, loaded(cfg, keys=keys)
