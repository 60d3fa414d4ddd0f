"""Which stages a command line means, each with the overrides that are its own."""

import shlex
from collections.abc import Mapping, Sequence

from hydra.errors import HydraException
from omegaconf import DictConfig

from stages import preflight
from stages.config import compose_stage, has_key
from stages.lanes import groups
from stages.marks import Marks
from stages.overrides import Rules, route
from stages.remembered import recall
from stages.table import Stage, of_table, select_stages, table


def shared(recipe: str, overrides: Sequence[str]) -> DictConfig:
    """The stages' table with its own overrides, and those of `recipe.*` that it knows; others are of groups, or of
    nobody (route)."""
    own = table(recipe)
    keys = [(given, given.partition("=")[0]) for given in overrides if given.startswith("recipe.")]
    known = [given for given, key in keys if has_key(own, key)] + of_table(recipe, overrides)
    return table(recipe, tuple(route(recipe, {"stages": ["stages"]}, known, Rules.of(own))["stages"]))


def without_inputs(cfg: DictConfig, names: list[str]) -> list[str]:
    """The stages less those whose results are another run's: what they make is in recipe.inputs_dir, and that is not
    this run's folder. SystemExit if none is left."""
    inputs, own = (cfg.recipe.get(key, cfg.recipe.work_dir).rstrip("/") for key in ("inputs_dir", "work_dir"))
    makes = {name: cfg.stages[name].makes for name in names}
    theirs = [name for name in names if makes[name] and all(str(p).startswith(inputs + "/") for p in makes[name])]
    if inputs == own or not theirs:
        return names
    told = f"{', '.join(theirs)}: what is in {inputs} is taken as it is (recipe.inputs_dir)"
    if len(theirs) == len(names):
        raise SystemExit(f"run.sh: {told}. To make it again: recipe.work_dir={inputs}")
    print(f"# {told}", flush=True)
    return [name for name in names if name not in theirs]


def plan(recipe: str, first: str, last: str, overrides: list[str]) -> tuple[DictConfig, list[Stage]]:
    """The stages of a range with the overrides that are theirs, and with those that stage data had."""
    cfg = shared(recipe, overrides)
    names = select_stages(recipe, first, last)
    had, file = recall(cfg, names, overrides)
    if had:
        print(f"# as stage data had it ({file}): {shlex.join(had)}", flush=True)
        overrides = [*had, *overrides]
        cfg = shared(recipe, overrides)
    names = without_inputs(cfg, names)
    own = of_table(recipe, overrides)
    stages = routed_stages(recipe, cfg, names, [given for given in overrides if given not in own])
    for stage in stages:
        preflight.check_verl_keys(stage, cfg.verl_configs, _begun_with(Marks(cfg), stage))
    return cfg, stages


def _begun_with(marks: Marks, stage: Stage) -> Mapping[str, str]:
    """{key: JSON} of the configuration that a stage was begun with, or is done with; {} where no mark tells it."""
    told = (marks.read(stage, kind) or {} for kind in ("begun", "done"))
    return next((parts["config"] for parts in told if "config" in parts), {})


def routed_stages(recipe: str, cfg: DictConfig, names: list[str], overrides: list[str]) -> list[Stage]:
    """Each stage, and what runs beside it, with the overrides that it knows. SystemExit for one that nobody knows, or
    only what does not run."""
    yamls = {name: list(dict.fromkeys(c.config for c in cfg.stages[name].commands)) for name in names}
    beside = {
        f"{name}, beside": spec
        for name in names
        # A recipe of somebody's own need not have the key that asks for it, nor what its YAML is made of.
        if (spec := cfg.stages[name].get("beside"))
        and has_key(compose_stage(recipe, yamls[name][0]), spec.unless_null)
        and _composes(recipe, spec.config)
    }
    below = {key: tuple(one.overrides) for key, one in beside.items()}
    routed = route(recipe, yamls | {key: [one.config] for key, one in beside.items()}, overrides, Rules.of(cfg), below)
    stages = [
        Stage(name, recipe, cfg.stages[name], tuple(routed[name]), tuple(routed.get(f"{name}, beside", ())))
        for name in names
    ]
    for stage in stages:
        if f"{stage.name}, beside" not in beside and stage.beside():
            raise SystemExit(
                f"run.sh: {stage.spec.beside.unless_null}: {recipe} names no ASR for its evaluation (optional"
                " chosen_ear: NAME in the defaults of its recipe.yaml), and the guard has none to transcribe with"
            )
    idle = [stage for stage in stages if stage.spec.get("beside") and stage.beside() is None]
    if any(set(stage.of_beside) - set(stage.overrides) for stage in idle):
        route(recipe, yamls, overrides, Rules.of(cfg))
    return stages


def _composes(recipe: str, config: str) -> bool:
    try:
        compose_stage(recipe, config)
    except HydraException:
        return False
    return True


def dry_run(stages: list[Stage]) -> None:
    """Print the commands; then SystemExit that names what they need and is not there."""
    shared = {stage.name: lanes for lanes in groups(stages) if len(lanes) > 1 for stage in lanes[0][:1]}
    for stage in stages:
        if lanes := shared.get(stage.name):
            print(
                f"# at once, where there are the cores: {'; '.join(', '.join(s.name for s in lane) for lane in lanes)}"
            )
        print(f"# {stage.name}: {stage.spec.does}")
        background = stage.name == "serve" and any(s.spec.get("server") for s in stages)
        if beside := stage.beside():  # it ends with the stage
            print(shlex.join(beside) + " &")
        for line in stage.shell_lines():
            print(line + (" &" if background else ""))
        if not stage.spec.commands:
            print("# " + stage.spec.get("says", "nothing to do in this recipe"))
    made = [stage.name for stage in stages]
    missing = [line for number, stage in enumerate(stages) for line in stage.missing(set(made[:number]))]
    if missing:
        raise SystemExit("\n".join(dict.fromkeys(missing)))
