"""Each command line of the documents and of comments in YAML is one that run.sh and the stages take: the shell and
run.sh read it, then it is composed and checked as a dry run does, and what its stages need is there or made by others
in the folder it names; the reward server is started by the same lines."""

import re
from functools import cache
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stages.config import ROOT, compose_stage
from stages.preflight import check_reward
from stages.run import plan
from stages.table import Stage, table

DOCUMENTS = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("*/*.md"))]
DOCUMENTS += sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("recipes/*/*.md"))
# Blocks between ``` or indented, and `bash run.sh ...` in a line of text.
BLOCK = re.compile(
    r"^```(?P<kind>\w*)\n(?P<fenced>.*?)^```|(?P<indented>(?:^    .*\n)+)|`(?P<inline>(?:time )?bash run\.sh[^`]*)`",
    re.M | re.S,
)
FOLLOWED = ("docs/new_family.md", "docs/new_recipe.md", "docs/new_scorer.md")  # file by file, in tests of their own
DOCUMENTS = [name for name in DOCUMENTS if name not in FOLLOWED]
COMMENT = re.compile(r"#.*?\b(bash run\.sh [^()]*)")
OURS = re.compile(r"run\.sh|\.venv|^\w+=")
USAGE = "[STAGE [STOP_STAGE]]"
# Lines that start no Python of ours.
ALONE = re.compile(r"run\.sh( --recipe \S+)? (install|test|--list|--help)( [\w.]+=\S+)*( *#.*)?$")


def scripts() -> list:
    """(document:line, the lines of a block that are ours to run) of all documents."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match["kind"]:  # YAML or Python
                continue
            block = (match["fenced"] or match["indented"] or match["inline"]).replace("\\\n", " ")
            script = "\n".join(line.strip() for line in block.splitlines() if OURS.search(line.strip()))
            if "run.sh" in script and USAGE not in script:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(script.replace("--recipe NAME", "--recipe llasa"), id=f"{name}:{line}"))
    return found


def comments() -> list:
    """(file:line, the command) of comments in YAML, but for those that leave something out."""
    found = []
    for file in sorted([*ROOT.glob("stages/*.yaml"), *ROOT.glob("recipes/**/*.yaml")]):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if (match := COMMENT.search(line)) and "..." not in match[1]:
                found.append(pytest.param(match[1], id=f"{file.relative_to(ROOT)}:{number}"))
    return found


def test_the_documents_have_commands():
    assert len(scripts()) > 25 and len(comments()) > 1


@cache
def needs(recipe: str) -> set[str]:
    """Paths that the recipe's stages need when nothing is overridden."""
    stages = table(recipe).stages
    return {need.path for name in stages for need in Stage(name, recipe, stages[name], ()).needs()}


def check_stages(recipe: str, first: str, last: str, *overrides: str) -> list[Stage]:
    """The stages, checked as stages.run begins. One may need what a stage of this range makes, what is in the recipe's
    own work folder, and what an override names."""
    _, chosen = plan(recipe, first, last, list(overrides))
    named = [value for key, _, value in (o.partition("=") for o in overrides) if key != "recipe.work_dir"]
    for number, stage in enumerate(chosen):
        assert stage.shell_lines() or not stage.spec.commands
        made = {earlier.name for earlier in chosen[:number]}
        made |= {
            name for name, spec in table(recipe).stages.items() if spec.get("optional")
        }  # by the page's last command
        lacking = [need for need in stage.needs() if need.made_by not in made and need.path not in needs(recipe)]
        assert not [
            need for need in lacking if not any(need.path.startswith(value) or need.path in value for value in named)
        ], stage.name
        for cfg in stage.configs() if stage.overrides else []:  # the recipe's own are those of test_recipe_configs.py
            OmegaConf.to_container(cfg, resolve=True)
        if stage.spec.get("server"):
            check_reward(recipe, stage.configs()[0], list(overrides))
    return chosen


@pytest.mark.parametrize("script", scripts() + comments())
def test_a_documented_command_is_taken(script: str, called):
    """grpo_base.yaml said `bash run.sh train algo=dapo ...`: "no reward server is ready"."""
    calls, asks, started = called(script), False, set()
    assert calls or all(ALONE.search(line) for line in script.splitlines() if "run.sh" in line)
    for _, module, *argv in calls:
        words = [word for word in argv if word not in ("--dry-run", "--force")]
        if module == "stages.run":
            stages = check_stages(*words[1:])
            asks = asks or ("--dry-run" not in argv and any(stage.spec.get("server") for stage in stages))
            started |= {stage.name for stage in stages}
        elif "--config-path" in words:
            (_, folder, _, name), overrides = words[:4], words[4:]
            OmegaConf.to_container(compose_stage(Path(folder).name, name, tuple(overrides)), resolve=True)
    assert not asks or "serve" in started


def test_sft_on_the_best_rollouts_goes_on_from_the_model_that_made_them():
    """docs/training.md said of all released models that SFT begins with them anyway."""
    text = (ROOT / "docs/training.md").read_text(encoding="utf-8").replace("\\\n", " ")
    begins = {}
    for recipe, line in re.findall(r"^bash run\.sh (?:--recipe (\w+) )?data sft (.*)$", text, re.M):
        cfg = plan(recipe or "tiny_mandarin", "data", "sft", line.split())[1][-1].configs()[0]
        begins[cfg.recipe.name] = cfg.sft.start if "start" in cfg.sft else cfg.model.path
    names = ("tiny_mandarin", "llasa", "inworld_tts", "cosyvoice2")
    assert begins == {name: compose_stage(name, "prefer").systems.SFT for name in names}


def test_what_a_page_tells_to_run_before_a_command_makes_all_that_the_command_needs():
    """docs/gpus.md said `data sft`, and the server then lacked the token ear."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in re.finditer(r"after `(\w+) (\w+)` with:\n\n```\n(.*?)```", text, re.S):
            made = {stage.name for stage in plan("tiny_mandarin", *match.group(1, 2), [])[1]}
            lines = [line.split() for line in match[3].replace("\\\n", " ").splitlines()]
            for words in lines:
                named = [word for word in words[2:] if "=" not in word]
                _, stages = plan("tiny_mandarin", named[0], named[-1], words[2 + len(named) :])
                for stage in stages:
                    lacking = [need for need in stage.needs() if need.made_by not in made]
                    assert lacking == [], (name, stage.name)
                    made.add(stage.name)
            found.append(name)
    assert found == ["docs/gpus.md"]
