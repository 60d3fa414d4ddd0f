"""The stages of a recipe, read from its stages.yaml, or from the one that recipes/common has."""

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from stages.config import ROOT, compose_stage, config_dir

PYTHON = {"trainer": ".venv/bin/python", "reward": ".venv-reward/bin/python"}


@dataclass(frozen=True)
class Need:
    """A file or folder that must exist before a stage starts, and the stage that makes it."""

    path: str
    made_by: str
    key: str | None


@dataclass(frozen=True)
class Stage:
    """One stage with the overrides of this run: what it runs, needs and makes. `of_beside`: those of what runs beside
    it. `threads`: of each of its processes; None: as they themselves have it, one for each core."""

    name: str
    recipe: str
    spec: DictConfig
    overrides: tuple[str, ...]
    of_beside: tuple[str, ...] = ()
    threads: int | None = None

    def config_names(self) -> list[str]:
        """The recipe's YAML files that this stage's commands read, each once."""
        return list(dict.fromkeys(command.config for command in self.spec.commands))

    def configs(self) -> list[DictConfig]:
        """The same, composed with this run's overrides."""
        return [compose_stage(self.recipe, name, self.overrides) for name in self.config_names()]

    def commands(self) -> list[list[str]]:
        """argv of each command, relative to the repository's root but for Hydra's --config-path."""
        folder = str(config_dir(self.recipe))
        return [
            [PYTHON[c.python], "-m", c.module, "--config-path", folder, "--config-name", c.config, *self.overrides]
            for c in self.spec.commands
            if self._wanted(c)
        ]

    def _wanted(self, command: DictConfig) -> bool:
        """Whether none of the keys is set that a command is left out for."""
        keys = command.get("unless", [])
        cfg = compose_stage(self.recipe, command.config, self.overrides) if keys else None
        return all(OmegaConf.select(cfg, key) is None for key in keys)

    def beside(self) -> list[str] | None:
        """argv of the command that runs while the stage's do; None where there is none, or it is not wanted."""
        spec = self.spec.get("beside")
        if not spec or OmegaConf.select(self.configs()[0], spec.unless_null) is None:
            return None
        argv = [PYTHON[spec.python], "-m", spec.module, "--config-path", str(config_dir(self.recipe))]
        return [*argv, "--config-name", spec.config, *self.of_beside]

    def environment(self) -> dict[str, str]:
        """Environment of its commands; numbers in the YAML are as good as strings. A recipe outside the checkout brings
        the folder that it lies in, so that `my_recipe.module` can be imported; those of your own come behind it."""
        more = {}
        if "/" in self.recipe:
            own = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # run.sh has put the folder before yours already
            folder = str(config_dir(self.recipe).parent)
            more["PYTHONPATH"] = os.pathsep.join([folder, *(path for path in own if path and path != folder)])
        if self.threads and "OMP_NUM_THREADS" not in os.environ:  # a number of yours stays
            more["OMP_NUM_THREADS"] = str(self.threads)
        return {name: str(value) for name, value in self.spec.env.items()} | more

    def shell_lines(self) -> list[str]:
        """The commands as one would type them, environment first."""
        env = [f"{name}={value}" for name, value in self.environment().items()]
        return [shlex.join([*(["env", *env] if env else []), *argv]) for argv in self.commands()]

    def shows(self) -> Path | None:
        """The file that ends the run: in the folder that a key of its configuration names."""
        spec = self.spec.get("shows")
        return ROOT / OmegaConf.select(self.configs()[0], spec.folder) / spec.file if spec else None

    def needs(self) -> list[Need]:
        """What must exist; `key` entries are looked up in the stage's configuration and may hold a list."""
        found = []
        for need in self.spec.needs:
            if (only := need.get("unless_null")) and OmegaConf.select(self.configs()[0], only) is None:
                continue
            if "path" in need:
                found.append(Need(need.path, need["from"], None))
                continue
            values = [OmegaConf.select(cfg, need.key) for cfg in self.configs()]
            for value in values:
                paths = value if isinstance(value, ListConfig | list) else [value]
                found += [Need(str(path), need["from"], need.key) for path in paths if path is not None]
        return found

    def missing(self, made_before: set[str]) -> Iterator[str]:
        """A line for each input that is not there and that no stage in made_before makes."""
        for need in self.needs():
            if need.made_by in made_before or (ROOT / need.path).exists():
                continue
            key = f" ({need.key})" if need.key else ""
            yield (
                f"run.sh: stage {self.name} needs {need.path}{key}, which is not there. "
                f"Stage {need.made_by} makes it: bash run.sh --recipe {self.recipe} {need.made_by}"
            )

    def check_needs(self, made_before: set[str]) -> None:
        """SystemExit that says what is missing first (an environment, an input), and which stage makes it."""
        for python in dict.fromkeys(PYTHON[command.python] for command in self.spec.commands):
            if not (ROOT / python).exists():
                where = python.split("/")[0]
                raise SystemExit(f"run.sh: stage {self.name} runs in {where}, which is not there: bash run.sh install")
        for line in self.missing(made_before):
            raise SystemExit(line)


def table(recipe: str, overrides: tuple[str, ...] = ()) -> DictConfig:
    """recipes/<recipe>/stages.yaml on top of standard.yaml; overrides: those of `recipe.*`."""
    return compose_stage(recipe, "stages", overrides)


def of_table(recipe: str, overrides: Sequence[str]) -> list[str]:
    """Those of the stages' table itself: its numbers, such as server_ready_timeout_s, and go_on, true or false."""
    own = table(recipe)
    return [given for given in overrides if isinstance(own.get(given.partition("=")[0]), int | float)]


def select_stages(recipe: str, first: str, last: str) -> list[str]:
    """Names of the recipe's stages from first to last, by number. Those without a command and optional ones count as
    the first or the last alone, or, where both are helpers, as helpers between them."""
    stages = table(recipe).stages
    for name in (first, last):
        if name not in stages:
            raise SystemExit(f"run.sh: recipe '{recipe}' has no stage '{name}'; it has: {', '.join(stages)}")
    low, high = stages[first].number, stages[last].number
    chosen = sorted((s for s in stages if low <= stages[s].number <= high), key=lambda s: stages[s].number)
    helps = all(stages[name].get("helper") for name in (first, last))
    wanted = {s for s in chosen if stages[s].commands and (helps or not stages[s].get("optional"))}
    return [s for s in chosen if s in wanted | {first, last}]


def work_dir(cfg: DictConfig) -> Path:
    """The recipe's folder for all that is made, absolute."""
    return ROOT / cfg.recipe.work_dir
