"""A reward that cannot be computed is refused before training, with the line to mend."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stages import server
from stages.asked_server import check_server
from stages.config import ROOT, Source, compose_stage, sources
from stages.preflight import check_reward, place
from stages.run import plan

RECIPE = "tiny_mandarin"
GROUP = "recipes/tiny_mandarin/recipe/reward/standard.yaml"


def line_of(text: str, file: str) -> int:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def config(*overrides: str):
    return compose_stage(RECIPE, "grpo", overrides)


def test_the_recipes_own_reward_is_in_order_and_told_as_a_formula():
    pinyin, silence = "1.0 x (1 - tanh(3 x toneless pinyin error))", "0.2 x min(1, (1 - silence) / 0.5)"
    ear = "what the token ear is sure of is read from tokens, 0.1 of it by wave, too"
    assert check_reward(RECIPE, config(), []) == f"reward = ({pinyin} + {silence}) / 1.2; {ear}"
    by_wave = check_reward(RECIPE, config("recipe.reward.token_ear=null"), [])
    assert by_wave == f"reward = ({pinyin} + {silence}) / 1.2"


def test_a_key_is_found_in_its_file_and_line_or_where_it_would_be(tmp_path: Path):
    file = tmp_path / "recipe.yaml"
    file.write_text(
        "recipe:\n  # a comment\n  reward:\n    terms: {pinyin: {weight: 1.0},\n      mos: {weight: 2.0}}\n"
    )
    read = [Source(file, "")]
    assert place("recipe.reward.terms.mos.weight", read, []) == f"{file}, line 5"
    assert place("recipe.reward.terms.none.weight", read, []) == f"{file}, line 4"
    assert place("recipe.reward.terms.mos", read, ["a=1", "+recipe.reward.terms={}"]) == f"{file}, line 5"
    own = "recipe.reward.terms.mos.weight=-1"
    assert place("recipe.reward.terms.mos.weight", read, [own]) == f"command line: {own}"
    mapping = "+recipe.reward.terms={mos: {weight: -1}}"
    assert place("recipe.reward.terms.mos.weight", read, [mapping]) == f"command line: {mapping}"
    assert place("other.key", read, []) == "configuration"


def test_a_key_is_found_below_its_files_key_and_in_the_last_file_that_has_it(tmp_path: Path):
    first, last = tmp_path / "group.yaml", tmp_path / "recipe.yaml"
    first.write_text("terms:\n  pinyin: {weight: 1.0}\nlogged: []\n")
    last.write_text("recipe:\n  reward: {logged: [mos]}\n")
    read = [Source(first, "recipe.reward"), Source(last, "")]
    assert place("recipe.reward.terms.pinyin.weight", read, []) == f"{first}, line 2"
    assert place("recipe.reward.logged", read, []) == f"{last}, line 2"


def test_a_key_is_found_in_the_group_that_was_chosen():
    """Both standard.yaml and four.yaml name terms; emotion is in the latter alone."""
    for chosen, name in ((), "standard"), (("recipe/reward=four",), "four"):
        file = f"recipes/glm_tts/recipe/reward/{name}.yaml"
        at = place("recipe.reward.terms.mos", sources("glm_tts", "grpo", chosen), chosen)
        assert at == f"{file}, line {line_of('terms:', file)}"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("++recipe.reward.terms.mos.rate=0.5", "terms.mos.rate: no such key; there are ['weight']"),
        ("++recipe.reward.terms.mas.weight=0.5", "terms.mas: no such term; there are"),
        ("recipe.reward.terms.pinyin.weight=-1", "terms.pinyin.weight: Input should be greater than 0, got -1"),
    ],
)
def test_a_reward_that_cannot_be_used_is_refused_with_the_override_that_brought_it(override, reason):
    with pytest.raises(SystemExit) as refused:
        check_reward(RECIPE, config(override), [override])
    assert f"run.sh: command line: {override}: recipe.reward." in str(refused.value) and reason in str(refused.value)


def test_a_wrong_value_in_the_file_is_refused_with_its_line():
    cfg = config("recipe.reward.terms.pinyin.weight=-1.0")
    with pytest.raises(SystemExit, match=rf"{GROUP}, line {line_of('weight:', GROUP)}: .*terms\.pinyin\.weight"):
        check_reward(RECIPE, cfg, [])  # as if the file said so


def test_all_that_is_wrong_with_a_reward_is_told_at_once():
    with pytest.raises(SystemExit) as refused:
        wrong = ("recipe.reward.terms.pinyin.weight=-1", "recipe.reward.error.unit=phoneme")
        check_reward(RECIPE, config(*wrong), wrong)
    assert len(str(refused.value).splitlines()) == 2 and "error.unit=phoneme: " in str(refused.value)


def test_separate_terms_need_their_estimator_and_the_other_way_round():
    with pytest.raises(SystemExit, match=r"line \d+: .*separate and algorithm\.token_credit\.separate go together"):
        check_reward(RECIPE, config("recipe.reward.aggregation.name=separate"), [])
    both = ["recipe.reward.aggregation.name=separate", "algorithm.token_credit.separate=${recipe.reward.terms}"]
    check_reward(RECIPE, config(*both), both)


def test_token_level_credit_needs_blames():
    none = "recipe.reward.token_credit=null"
    with pytest.raises(SystemExit, match=r"command line: .*=null: .*blames no token, algorithm\.token_credit\.w_tok"):
        check_reward(RECIPE, config(none), [none])
    check_reward(RECIPE, config(none, "algorithm.token_credit.w_tok=0"), [])
    check_reward(RECIPE, config(none, "algo=grpo"), [])


def test_a_recipe_without_a_reward_is_left_alone():
    check_reward(RECIPE, OmegaConf.create({"recipe": {"name": "x"}}), [])


GOOD = {"recipe": RECIPE, "contract": "4", "measures": "log_f0_std,loudness_db,silence_ratio,token_ear,voiced_ratio"}


@pytest.mark.parametrize(
    ("tells", "reason"),
    [
        ({"recipe": "other"}, "is of recipe 'other', not 'tiny_mandarin'"),
        ({"contract": "1"}, "speaks contract 1, this checkout 4"),
        (
            {"measures": "log_f0_std,voiced_ratio,silence_ratio"},
            r"line \d+: .*logged needs .* loudness_db",
        ),
    ],
)
def test_a_server_that_does_not_fit_is_refused(tells, reason, monkeypatch):
    monkeypatch.setattr(server, "tells", lambda cfg: {**GOOD, **tells})
    with pytest.raises(SystemExit, match=reason):
        check_server(RECIPE, config(), [])


def test_a_server_that_fits_is_taken(monkeypatch):
    monkeypatch.setattr(server, "tells", lambda cfg: GOOD)
    check_server(RECIPE, config(), [])


@pytest.mark.parametrize("recipe", ["tiny_mandarin", "cosyvoice2"])
@pytest.mark.parametrize("ear", [True, False])
def test_a_server_that_reads_tokens_needs_the_token_ear_and_no_other_does(recipe, ear):
    own = "{audit: 0.1, unsure: 0.98, limit: 0.1, most_tokens: 8.0, assumed: {silence_ratio: 0.0}}" if ear else "null"
    _, (stage,) = plan(recipe, "serve", "serve", [f"recipe.reward.token_ear={own}"])
    assert [need.made_by for need in stage.needs()].count("token_ear") == ear
