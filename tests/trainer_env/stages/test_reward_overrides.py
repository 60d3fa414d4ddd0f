"""Each way to say another reward on the command line, with the formula that it makes: replacing is replacing."""

import re
import shlex

import pytest

from reward_tts.reward.formula import formula
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import TERMS, Heard, Term
from stages.config import ROOT
from stages.preflight import check_reward
from stages.run import plan

TERMS_KEY = "recipe.reward.terms"
PINYIN = "1.0 x (1 - tanh(3 x pinyin error))"
CER = "1.0 x exp(-2.5 x error)"
MOS = "0.5 x (MOS - 1) / 4"


def told(*overrides: str) -> str:
    """The formula of cosyvoice2 with reward=pinyin, unless the overrides choose another one."""
    chosen = [] if any(one.startswith("reward=") for one in overrides) else ["reward=pinyin"]
    _, (stage,) = plan("cosyvoice2", "train", "train", [*chosen, *overrides])
    return check_reward("cosyvoice2", stage.configs()[0], stage.overrides)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], PINYIN),
        (["reward=cer"], CER),
        (["reward=pinyin_toneless"], "1.0 x exp(-12 x toneless pinyin error^1.5)"),
        (["reward=cer", "recipe.reward.terms.error.rate=4"], "1.0 x exp(-4 x error)"),
        ([f"{TERMS_KEY}={{error: {{weight: 1.0, rate: 2.5}}}}"], CER),
        ([f"++{TERMS_KEY}={{error: {{weight: 1.0, rate: 2.5}}}}"], CER),
        ([f"+{TERMS_KEY}={{mos: {{weight: 0.5}}}}"], f"({PINYIN} + {MOS}) / 1.5"),
        ([f"+{TERMS_KEY}.mos={{weight: 0.5}}"], f"({PINYIN} + {MOS}) / 1.5"),
        ([f"{TERMS_KEY}.mos={{weight: 0.5}}"], f"({PINYIN} + {MOS}) / 1.5"),
        ([f"{TERMS_KEY}.mos.weight=0.5"], f"({PINYIN} + {MOS}) / 1.5"),
        ([f"{TERMS_KEY}.pinyin=null", f"{TERMS_KEY}.mos.weight=0.5"], f"({MOS}) / 0.5"),
        ([f"~{TERMS_KEY}.pinyin", f"{TERMS_KEY}.error={{weight: 1}}"], CER),
        ([f"{TERMS_KEY}.pinyin.shaping=exp(12, 1.5)"], "1.0 x exp(-12 x pinyin error^1.5)"),
        ([f"{TERMS_KEY}.pinyin={{weight: 1, shaping: exp(12, 1.5)}}"], "1.0 x exp(-12 x pinyin error^1.5)"),
        ([f"{TERMS_KEY}.pinyin.weight=2"], "(2.0 x (1 - tanh(3 x pinyin error))) / 2"),
        (
            ["recipe.reward.aggregation={name: gate, full_until: 0.1, none_from: 0.3}", f"{TERMS_KEY}.mos.weight=0.5"],
            f"({PINYIN} + 0.5 x gate x (MOS - 1) / 4) / 1.5; gate: 1 up to an error of 0.1, 0 from 0.3",
        ),
        (["algo=dapo"], f"({PINYIN} + 0.5 x -clip((tokens - 410) / 102, 0, 1)) / 1.5"),
        (["algo=gdpo"], f"{PINYIN}; each term is normalised within its group on its own"),
    ],
)
def test_a_reward_of_the_command_line_is_the_formula_that_it_says(overrides, expected):
    assert told(*overrides) == f"reward = {expected}"


def rows_of_the_page() -> list[tuple[list[str], str]]:
    """(overrides, what is printed) of the table in docs/overrides.md."""
    page = (ROOT / "docs/overrides.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:`(.*)`|\(none\)) \| `(reward = .*)` \|$", page, re.M)
    return [(shlex.split(overrides), printed) for overrides, printed in rows]


@pytest.mark.parametrize(("overrides", "printed"), rows_of_the_page())
def test_the_page_shows_what_is_printed(overrides, printed):
    assert told(*overrides) == printed


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("reward=five", "there is no five; reward is one of cer, cer_nll, multi, pinyin, pinyin_toneless, published"),
        ("algo=ppo", "there is no ppo; algo is one of cosyvoice, dapo, gdpo, glm_tts, grpo"),
        (f"{TERMS_KEY}.pinyin.weight=-1", f"{TERMS_KEY}.pinyin.weight: Input should be greater than 0, got -1"),
        (f"{TERMS_KEY}={{pinyin: {{weight: -1}}}}", f"{TERMS_KEY}.pinyin.weight: Input should be greater than 0"),
        (f"{TERMS_KEY}.mas.weight=1", f"{TERMS_KEY}.mas: no such term; there are"),
        (f"{TERMS_KEY}.pinyin.shaping=cosh(3)", "is tanh(SCALE) or exp(SCALE, POWER)"),
        ("recipe.reward.weights.pinyin=1", "recipe.reward.weights: no such key"),
    ],
)
def test_a_reward_that_cannot_be_is_refused_on_the_command_line(override, reason):
    with pytest.raises(SystemExit) as refused:
        told(override)
    assert reason in str(refused.value)


def test_glm_ttss_four_rewards_are_a_choice_of_the_same_group():
    _, (stage,) = plan("glm_tts", "train", "train", ["reward=four", f"{TERMS_KEY}.laughter.weight=0.2"])
    formula_of_four = check_reward("glm_tts", stage.configs()[0], stage.overrides)
    assert "0.2 x [laughter heard where the text laughs]" in formula_of_four and formula_of_four.count(" x ") >= 4


def test_a_dry_run_prints_the_reward_and_refuses_one_that_cannot_be(run_sh):
    command = ("--recipe", "cosyvoice2", "--dry-run", "train")
    _, good = run_sh(*command, "reward=cer")
    assert f"# train: reward = {CER}\n" in good and "recipe/reward=cer" in good
    status, bad = run_sh(*command, f"{TERMS_KEY}.pinyin.weight=-1")
    assert status == 1 and "command line: recipe.reward.terms.pinyin.weight=-1: " in bad


def test_every_term_of_the_table_is_told_as_its_formula_and_one_that_is_added_is(monkeypatch):
    """Added as reward_tts/reward/terms.py says, it was told by its name: its formula stood in a second table."""
    assert all(term.formula for term in TERMS.values())

    def loud(heard: Heard, *, from_db: float = 20.0) -> float:
        return min(1.0, heard.scores["loudness_db"] / from_db)

    line = Term(loud, needs=("loudness_db",), formula=lambda from_db: f"min(1, loudness / {from_db:g})")
    monkeypatch.setitem(TERMS, "loud", line)
    rest = {"aggregation": {"name": "weighted_sum"}, "error": {"unit": "pinyin"}, "token_credit": None, "logged": []}
    assert formula({"terms": {"loud": {"weight": 1.0}}, **rest}) == "reward = 1.0 x min(1, loudness / 20)"


@pytest.mark.parametrize(
    ("terms", "values"),
    [
        ({"pinyin": {"weight": 1.0, "shaping": "exp(12, 1.5)"}}, {"pinyin error": 0.25}),
        ({"pinyin": {"weight": 2.0, "shaping": "tanh(3)"}, "mos": {"weight": 1.0}}, {"pinyin error": 0.25, "MOS": 4.0}),
        ({"similarity": {"weight": 0.5}, "silence": {"weight": 0.5}}, {"speaker similarity": 0.2, "silence": 0.6}),
        ({"over_length": {"weight": 1.0, "max_tokens": 5, "buffer_tokens": 2}}, {"tokens": 4}),
    ],
)
def test_the_formula_is_what_the_reward_computes(terms, values):
    """Four syllables with one of them wrong, four tokens, and the scores below: the printed line, by Python."""
    from math import exp, tanh

    from reward_tts.measures import Measures

    config = {"terms": terms, "aggregation": {"name": "weighted_sum"}, "error": {"unit": "pinyin"}}
    config |= {"token_credit": None, "logged": []}
    scores = {"mos": 4.0, "speaker_similarity": 0.2, "silence_ratio": 0.6}
    measures = Measures("r", 0, "", "今天生气", duration_s=2.0, num_tokens=4, token_rate=2.0, scores=scores)
    line = formula(config).removeprefix("reward = ").replace(" x ", " * ").replace("^", " ** ")
    for name, value in values.items():
        line = line.replace(name, str(value))
    names = {"exp": exp, "tanh": tanh, "min": min, "clip": lambda x, low, high: min(high, max(low, x))}
    score = Reward(config).judge(Heard.of("今天天气", "zh", [1, 2, 3, 4], measures)).score
    assert eval(line, {"__builtins__": {}}, names) == pytest.approx(score)
