"""Interpolations are parsed once and looked up each time; libyaml reads as PyYAML; values are set as by Hydra."""

from pathlib import Path

import hydra.version
import omegaconf._utils
import omegaconf.base
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra._internal import defaults_list
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, InterpolationKeyError

from stages import parsed
from stages.config import ROOT, compose_stage, may_choose
from tests.helpers.toy.toy import settings

VALUES = """
small: 1e-3
thousand: 1_000
float: 1.e5
infinite: -.inf
date: 2020-01-01
nothing: ~
yes_is: yes
quoted: "1e-3"
words: |
  two
  lines
list: [a, 'b', {c: 1}]
base: &base {x: 1}
more: {<<: *base, y: 2}
中文: 今天三点
"""


def test_one_parsed_text_is_looked_up_in_each_configuration():
    parsed.remember()
    texts = {"next": "${.own} and ${up}", "own": "${up}", "call": "${oc.select:none,${up}}"}
    first, second = (OmegaConf.create({"up": value, "below": dict(texts)}) for value in (1, "two"))
    before = omegaconf.base.parse.cache_info()
    assert OmegaConf.to_container(first.below, resolve=True) == {"next": "1 and 1", "own": 1, "call": 1}
    assert OmegaConf.to_container(second.below, resolve=True) == {"next": "two and two", "own": "two", "call": "two"}
    second.up = 3
    assert second.below.next == "3 and 3"
    with pytest.raises(InterpolationKeyError, match="'up' not found"):
        _ = OmegaConf.create({"own": "${up}"}).own
    after = omegaconf.base.parse.cache_info()
    assert after.misses - before.misses <= 3 and after.hits - before.hits >= 5


def test_a_version_that_nobody_looked_at_is_left_alone(monkeypatch):
    monkeypatch.setattr(parsed, "version", lambda name: "3.0.0")
    places = [(omegaconf.base, "parse"), (omegaconf._utils, "get_yaml_loader"), (hydra.version, "_get_version")]
    places += [(ConfigRepository, "load_config"), (defaults_list, "_create_interpolation_map")]
    originals = [object() for _ in places]
    for (module, name), original in zip(places, originals, strict=True):
        monkeypatch.setattr(module, name, original)
    parsed.remember()
    assert [getattr(module, name) for module, name in places] == originals


def test_values_of_yaml_are_those_that_omegaconf_reads(tmp_path: Path):
    parsed.remember()
    (tmp_path / "values.yaml").write_text(VALUES, encoding="utf-8")
    assert OmegaConf.to_container(OmegaConf.load(tmp_path / "values.yaml")) == {
        "small": 0.001,
        "thousand": 1000,
        "float": 100000.0,
        "infinite": float("-inf"),
        "date": "2020-01-01",
        "nothing": None,
        "yes_is": True,
        "quoted": "1e-3",
        "words": "two\nlines\n",
        "list": ["a", "b", {"c": 1}],
        "base": {"x": 1},
        "more": {"x": 1, "y": 2},
        "中文": "今天三点",
    }


def test_the_default_recipes_yaml_is_read_as_by_pyyamls_own_parser():
    parsed.remember()
    fast = omegaconf._utils.get_yaml_loader()
    (slow,) = set(fast.__bases__) - {yaml.cyaml.CParser}
    files = sorted((ROOT / "recipes/tiny_mandarin").glob("*.yaml"))
    assert len(files) > 5
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert yaml.load(text, Loader=fast) == yaml.load(text, Loader=slow), file


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [("a: 1\nb: 2\na: 3\n", "found duplicate key a", 3), ("a: 1\nb: c: d\n", "mapping values are not allowed", 2)],
)
def test_a_fault_in_yaml_is_told_with_file_and_line(text: str, what: str, line: int, tmp_path: Path):
    parsed.remember()
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(yaml.YAMLError) as told:
        OmegaConf.load(file)
    assert what in str(told.value) and f'"{file}", line {line}' in str(told.value)


def composed_by_hydra(recipe: str, name: str, overrides: list[str]) -> str:
    """YAML, or what is wrong."""
    with initialize_config_dir(config_dir=str(ROOT / "recipes" / recipe), version_base=None):
        try:
            return OmegaConf.to_yaml(compose(name, overrides))
        except HydraException as error:
            return str(error)


@pytest.mark.parametrize(
    ("recipe", "name", "overrides"),
    [
        ("tiny_mandarin", "grpo", ["algo=gdpo", "kl=loss", "trainer.nnodes=3"]),
        ("llasa", "sft", ["sft_hardware=cpu"]),
        ("glm_tts", "stages", []),
        ("cosyvoice3", "server", ["+asr.more={a: 1}"]),
    ],
)
def test_what_is_composed_without_hydras_own_settings_is_what_hydra_gives(recipe, name, overrides):
    ours = compose_stage(recipe, name, tuple(overrides))
    assert OmegaConf.to_yaml(ours) == composed_by_hydra(recipe, name, overrides)
    assert OmegaConf.is_struct(ours) and "hydra" not in ours


def test_hydras_own_mode_is_looked_for_only_where_somebody_sets_it(tmp_path: Path):
    parsed.remember()
    (tmp_path / "a.yaml").write_text("x: 1\n")
    with initialize_config_dir(config_dir=str(tmp_path), version_base=None):
        program = GlobalHydra.instance().hydra
        assert program.get_mode("a", ["hydra.mode=MULTIRUN", "x=2"]) == RunMode.MULTIRUN
        for overrides in ([], ["x=2"], ["nonsense=2"]):
            found = program.get_mode("a", overrides), type(program).get_mode.__wrapped__(program, "a", overrides)
            assert found == (None, None)


def test_a_file_is_read_again_when_it_has_changed_and_each_has_a_copy_of_its_own(tmp_path: Path):
    parsed.remember()
    file = tmp_path / "a.yaml"

    def composed() -> DictConfig:
        with initialize_config_dir(config_dir=str(tmp_path), version_base=None):
            return parsed.composed("a", [])

    file.write_text("below: {x: 1}\n")
    first = composed()
    first.below.x = 2
    assert composed() == {"below": {"x": 1}} and first.below.x == 2
    file.write_text("below: {x: 30}\n")
    assert composed() == {"below": {"x": 30}}


@pytest.mark.parametrize(
    "overrides",
    [
        ["recipe.work_dir=exp/x", "text=今天", "++a.b=1", "+c=[1,2]", "vllm.seed=${recipe.seed}"],
        ["synthesis_hardware=gpu", "vllm.dtype=float16", "machine=cpu"],
        ["~recipe.reward.terms", "+recipe.reward.terms={cer: {weight: 1}}", "~systems"],
        ["nonsense=1"],
        ["~nonsense"],
        ["+max_tokens=3"],
        ["max_tokens={a: 1}"],
        ["foo/bar=1"],
        ["max_tokens=1,2"],
        ["synthesis_hardware=nope", "max_tokens=1"],
        ["max_tokens=1", "hydra.run.dir=x"],
    ],
)
def test_values_are_set_in_what_is_composed_already_as_hydra_sets_them(overrides: list[str]):
    expected = composed_by_hydra("tiny_mandarin", "infer", overrides)
    try:
        assert OmegaConf.to_yaml(compose_stage("tiny_mandarin", "infer", tuple(overrides))) == expected
    except HydraException as error:
        assert str(error) == expected
    assert composed_by_hydra("tiny_mandarin", "infer", []) == OmegaConf.to_yaml(compose_stage("tiny_mandarin", "infer"))


def test_the_toy_stages_take_no_key_that_hydra_would_refuse(monkeypatch: pytest.MonkeyPatch):
    argv = ["work", "--config-path", f"{ROOT}/tests/helpers/toy/recipes/toy", "--config-name", "data", "seconds=3"]
    monkeypatch.setattr("sys.argv", [*argv, "+wait_for=x", "recipe.name=other"])
    cfg = settings.composed()
    assert (cfg.seconds, cfg.wait_for, cfg.recipe.work_dir) == (3, "x", "exp/other")
    monkeypatch.setattr("sys.argv", [*argv, "recipe.server.nmae=x"])
    with pytest.raises(ConfigAttributeError, match="nmae"):
        settings.composed()


@pytest.mark.parametrize(
    ("name", "override", "chooses"),
    [
        ("grpo", "algo=dapo", True),
        ("grpo", "algo=nope", False),  # no such choice
        ("grpo", "rollout@actor_rollout_ref.rollout=rollout", True),  # verl's own
        ("infer", "algo=dapo", False),  # a group, and none of this YAML
        ("infer", "nonsense=1", False),
    ],
)
def test_a_choice_of_a_group_is_known_by_the_defaults_alone(name, override, chooses, monkeypatch):
    said = composed_by_hydra("tiny_mandarin", name, [override])
    monkeypatch.setattr("stages.config._composed", None)
    monkeypatch.setattr("stages.parsed._without_hydras_own", None)
    assert may_choose("tiny_mandarin", name, override) == chooses == ("recipe:" in said)
