"""Before a stage starts: does verl know its keys, and do they fit together? And before one that needs the reward
server: can its reward be computed? (Does the server that is there offer it: stages/asked_server.py.)"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType

from omegaconf import DictConfig, OmegaConf

from data_prep.weights import paths
from speech.files import write_jsonl
from stages import gpu_shares, lengths, machine, misfits, sft_misfits
from stages.anew import Counts, counts_for, needs, to_run
from stages.config import compose_stage, sources
from stages.left_aside import MAY_GO_ON
from stages.overrides import Rules, route
from stages.places import place
from stages.table import Stage, of_table, table
from stages.verl_keys import (
    changed_keys,
    is_as_begun,
    is_unread,
    needs_critic,
    plain,
    unknown_keys,
    unread_keys,
    verl_config,
    wrong_types,
)
from stages.without_measure import Write, of_terms, of_texts, read_by, write_locked


def check_verl_keys(stage: Stage, configs: DictConfig, begun: Mapping[str, str] = MappingProxyType({})) -> None:
    """SystemExit that names each key of the stage's YAML that verl does not know, reads nowhere, or has otherwise.

    Args:
        stage: with its overrides.
        configs: `verl_configs` of stages/standard.yaml; a command that is not there is not verl's.
        begun: {key: JSON} of what the stage was begun with. A key that is read nowhere may stay as it is there: without
            it the checkpoints would be another run's.
    """
    for command in stage.spec.commands:
        if command.module not in configs:
            continue
        how = configs[command.module]
        lists = tuple(tuple(how.get(name, [])) for name in ("free", "words"))
        faults = _verl_faults(stage.recipe, command.config, stage.overrides, command.module, how.extends, *lists)
        if faults:
            read = sources(stage.recipe, command.config, stage.overrides)
            cfg = compose_stage(stage.recipe, command.config, stage.overrides)
            told = {key: f"{place(key, read, stage.overrides)}: {key} {why}" for key, why in faults}
            idle = [key for key in told if is_unread(command.module, key) or key.startswith("critic.")]
            for key in (key for key in idle if is_as_begun(cfg, key, begun)):
                print(f"run.sh: warning: {told.pop(key)}; this run was begun with it and may keep it", flush=True)
            if told:
                raise SystemExit("\n".join(f"run.sh: {line}" for line in told.values()))


@cache
def _verl_faults(
    recipe: str,
    name: str,
    overrides: tuple[str, ...],
    module: str,
    extends: str,
    free: tuple[str, ...],
    words: tuple[str, ...],
) -> list[tuple[str, str]]:
    """(key, what is wrong with it) of a YAML that `module` reads, beside verl's own that it extends."""
    cfg, known = compose_stage(recipe, name, overrides), verl_config(extends)
    faults = []
    given = [override.lstrip("+~").partition("=")[0] for override in overrides]

    def changed(branch: str) -> Iterable[str]:
        own = [key for key in given if f"{key}.".startswith(f"{branch}.")]
        return dict.fromkeys([*own, *changed_keys(cfg, known, branch)])

    for branch, counts in unread_keys(module).items():
        why = f"is read nowhere in verl, {counts} is" if counts else "is read nowhere in verl on this path"
        faults += [(key, why) for key in changed(branch)]
    if "critic" in known and not needs_critic(cfg):
        why = f"is of a critic, and algorithm.adv_estimator={cfg.algorithm.adv_estimator} has none (critic.enable)"
        faults += [(key, why) for key in changed("critic") if key != "critic.enable"]
    faults += [(key, "is unknown to verl") for key in unknown_keys(plain(cfg), plain(known), list(free))]
    return faults + wrong_types(cfg, extends, list(words))


def check_planned(
    stages: Sequence[Stage],
    is_due: Callable[[Stage], bool],
    as_it_begins: Callable[[Stage], Stage] = lambda stage: stage,
    here: bool = True,
) -> None:
    """SystemExit if a stage that is to run cannot work: before the long stages that come first. Files that one of these
    makes anew are not judged yet: see check_left.

    Args:
        is_due: whether a stage is not done already, which may be of a machine with more GPUs, or of settings that were
            taken then.
        as_it_begins: the stage without the checkpoints that lie there where they are another run's.
        here: False: nothing runs here, so nothing is written.
    """
    running = cache(partial(to_run, stages, is_due))  # asked where there is a fault: it reads what stages depend on
    refuses = is_due if here else lambda stage: True
    for stage in stages:
        try:
            counts = partial(counts_for, stage, refuses, running)
            check_training(as_it_begins(stage), stages, here, counts, write=write_locked if here else None)
            asks = stage.spec.get("server")
            told = asks and check_reward(stage.recipe, stage.configs()[0], stage.overrides)
            told = told or (unheard(stage) if listens(stage) else None)
        except SystemExit:
            if refuses(stage):
                raise
            continue
        if told:
            print(f"# {stage.name}: {told}", flush=True)


def listens(stage: Stage) -> bool:
    """Whether the evaluation's ASR transcribes what the stage speaks."""
    return any(command.module == "infer.evaluate" for command in stage.spec.commands)


def unheard(stage: Stage) -> str | None:
    """What to say of languages that the recipe's texts may be in and the evaluation's ASR does not know."""
    from infer.ears import left_out

    return next(filter(None, map(left_out, stage.configs())), None)


def check_left(
    later: Sequence[Stage],
    left: Sequence[Stage],
    is_due: Callable[[Stage], bool],
    as_it_begins: Callable[[Stage], Stage] = lambda stage: stage,
) -> None:
    """SystemExit as by check_planned if a stage that comes later cannot work with files that are there by now, such as
    the texts that stage data has made. For a run that has locked its folder.

    Args:
        left: the stages that are not done with in this run, those that go on now among them.
    """
    running = cache(partial(to_run, left, is_due))
    for stage in later:
        counts = partial(counts_for, stage, is_due, running)
        check_training(as_it_begins(stage), left, False, counts, of_files=True, write=write_jsonl)


def check_training(
    stage: Stage,
    planned: Sequence[Stage] = (),
    here: bool = False,
    counts: Counts = lambda files: True,
    of_files: bool = False,
    write: Write | None = None,
) -> None:
    """SystemExit with the place of the first setting that verl takes, to fail later or to train on wrong numbers: see
    stages/misfits.py, sft_misfits.py, gpu_shares.py, lengths.py, infer/ears.py.

    Args:
        stage: with its overrides.
        planned: all stages of this run; the overrides of `serve` count for its server, those in
            VERL_TTS_SERVER_OVERRIDES for another's.
        here: it is to run on this machine, so its GPUs count, and its builds of torch and vLLM.
        counts: whether a fault of these files does; of no files: of settings.
        of_files: only what is of files.
        write: as in without_measure.of_texts.
    """
    for name, cfg in zip(stage.config_names(), stage.configs(), strict=True):
        for files, faults in _checks(stage, cfg, planned, here, counts, write):
            if of_files and not files:
                continue
            for key, why in faults:
                if counts(files):
                    at = place(key, sources(stage.recipe, name, stage.overrides), stage.overrides)
                    if key not in MAY_GO_ON or not gpu_shares.is_under_way(cfg):
                        raise SystemExit(f"run.sh: {at}: {key} {why}")
                    print(f"run.sh: warning: {at}: {key} {why}. This run was begun with it and may keep it", flush=True)
    if here:
        check_builds(stage)


def check_builds(stage: Stage) -> None:
    """SystemExit if the stage trains on GPUs with an environment for the CPU, such as a login node without one gets."""
    for name, cfg in zip(stage.config_names(), stage.configs(), strict=True):
        if OmegaConf.select(cfg, "trainer.device") == "cuda" and machine.builds() == "cpu":
            at = place("trainer.device", sources(stage.recipe, name, stage.overrides), stage.overrides)
            raise SystemExit(
                f"run.sh: {at}: trainer.device is cuda, and .venv has the builds for the CPU: "
                f"VERL_TTS_DEVICE=gpu bash run.sh --recipe {stage.recipe} install"
            )


def _checks(
    stage: Stage,
    cfg: DictConfig,
    planned: Sequence[Stage],
    here: bool,
    counts: Counts,
    write: Write | None,
) -> Iterator[tuple[list[str], Iterator[misfits.Fault]]]:
    """(files and folders that a check reads and a stage may make, what it finds). Whether checkpoints are gone on from
    depends on all that the stage needs."""
    trains, prepares = "actor_rollout_ref" in cfg, bool(OmegaConf.select(cfg, "prepare.use_speech_prefix"))
    needed = [need.path for need in needs(stage, planned)]
    if here:
        yield [], gpu_shares.of_gpus(cfg)
    yield [], misfits.of_settings(cfg)
    yield needed, misfits.of_resumption(cfg)
    yield [], lengths.of_lengths(cfg)
    if listens(stage):
        from infer.ears import of_ear

        yield paths(OmegaConf.select(cfg, "texts")), of_ear(cfg)
    if trains:
        yield [], gpu_shares.of_batch(cfg)
        yield paths(OmegaConf.select(cfg, "data.train_files")), misfits.of_rows(cfg)
        yield needed, misfits.of_schedule(cfg)
    yield [], sft_misfits.of_choice(cfg)
    yield paths(OmegaConf.select(cfg, "model.path")), sft_misfits.of_lora(cfg)
    yield needed, sft_misfits.of_rows(cfg)
    if trains or prepares:
        told = next((one.overrides for one in planned if one.name == "serve"), None)
        server = compose_stage(stage.recipe, "server", tuple(of_others(stage.recipe) if told is None else told))
        if trains:
            yield [], misfits.of_server(cfg, server)
            yield [], of_terms(cfg, server) if told is not None else iter(())  # check_server asks another's
            files = read_by(cfg, server)
            yield files, of_texts(cfg, server, write and (lambda *rows: counts(files) and write(*rows)))
        else:
            train = next((one.overrides for one in planned if one.name == "train"), ())
            yield [], lengths.of_prefix(cfg, compose_stage(stage.recipe, "grpo", tuple(train)), server)


def of_others(recipe: str) -> list[str]:
    """Overrides of a reward server that another started, as far as it says them (stages/slurm.sh)."""
    given = shlex.split(os.environ.get("VERL_TTS_SERVER_OVERRIDES", ""))
    own = of_table(recipe, given)
    given = [one for one in given if one not in own]
    return route(recipe, {"serve": ["server"]}, given, Rules.of(table(recipe)))["serve"] if given else []


def check_reward(recipe: str, cfg: DictConfig, overrides: Sequence[str]) -> str | None:
    """The reward of a training as a formula; None if the recipe has no reward.

    Raises:
        SystemExit: file, line and reason of each key for which recipe.reward cannot be used.
    """
    if "reward" not in cfg.recipe:
        return None
    from reward_tts.reward.config import RewardConfigError
    from reward_tts.reward.formula import formula

    def at(key: str) -> str:
        return place(key, sources(recipe, "grpo", tuple(overrides)), overrides)

    try:
        told = formula(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    except RewardConfigError as error:
        raise SystemExit("\n".join(f"run.sh: {at(key)}: {key}: {reason}" for key, reason in error.faults)) from None
    how, weights = "recipe.reward.aggregation.name", OmegaConf.select(cfg, "algorithm.token_credit.separate")
    if (cfg.recipe.reward.aggregation.name == "separate") != bool(weights):
        raise SystemExit(
            f"run.sh: {at(how)}: {how}=separate and algorithm.token_credit.separate go together, or neither"
        )
    if misfits.blames_tokens(cfg) and cfg.recipe.reward.token_credit is None:
        raise SystemExit(
            f"run.sh: {at('recipe.reward.token_credit')}: recipe.reward.token_credit=null blames no token, "
            "algorithm.token_credit.w_tok is not 0. Set recipe.reward.token_credit={lead_tokens: N}, or "
            "algorithm.token_credit.w_tok=0, or another algo"
        )
    return told
