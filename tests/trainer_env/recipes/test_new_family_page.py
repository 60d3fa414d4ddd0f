"""docs/new_family.md: the family that the page creates is two folders, composes, and can be planned. It is run in
tests/recipes/test_new_family.py."""

import subprocess

import pytest

from tests.helpers.page import checkout, commands_of, files_of, write

PAGE = "docs/new_family.md"


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A checkout in which the page's files have been written, and the answer of its dry run."""
    folder = checkout(tmp_path_factory.mktemp("family"))
    write(folder, files_of(PAGE))
    for name in ("sft/config.json", "tokenizer/tokenizer.json", "reward_asr/model.pt"):
        write(folder / "exp/tiny_mandarin", {name: ""})
    (folder / "exp/tiny_mandarin/tokenizer/tokenizer_config.json").write_text("{}")
    command = ["bash", "run.sh", "--recipe", "humming", "--dry-run", "data", "train"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_family_is_two_folders():
    files = files_of(PAGE)
    assert sorted(files) == [
        "models/humming/prompt.py",
        "models/humming/token2wav.py",
        "recipes/humming/grpo.yaml",
        "recipes/humming/recipe.yaml",
        "recipes/humming/recipe/reward/humming.yaml",
        "recipes/humming/server.yaml",
        "recipes/humming/stages.yaml",
    ]


def test_the_pages_commands_are_those_that_are_run():
    assert [line.split()[0] for line in commands_of(PAGE)] == ["mkdir", "head", "head", "bash", "bash"]


def test_the_pages_recipe_is_planned_with_its_reward_as_a_formula(followed):
    assert followed.returncode == 0, followed.stdout + followed.stderr
    length = "1.0 x min(1, 1.25 x exp(-|log(seconds / (0 + 0.2 x units))|))"
    assert f"# train: reward = ({length} + 1.0 x exp(-2.5 x error)) / 2\n" in followed.stdout
    modules = ("data_prep.encode_voices", "data_prep.prepare", "reward_tts.server", "verl.trainer.main_ppo")
    places = [followed.stdout.index(f"-m {module} ") for module in modules]
    assert places == sorted(places)
