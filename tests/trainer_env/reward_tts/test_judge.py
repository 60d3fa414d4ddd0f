"""A recipe's reward: terms to scores by hand, and every way to configure it wrongly."""

import asyncio
from copy import deepcopy
from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from reward_tts.compute_score import compute_score, is_askable
from reward_tts.compute_score import judged as scored
from reward_tts.measures import Measures
from reward_tts.reward.config import RewardConfigError
from reward_tts.reward.reward import Reward, Verdict, audited_by
from reward_tts.reward.terms import Heard
from stages.config import compose_stage
from tests.helpers.rewards import CONFIG

TOKENS = [1, 2, 3, 4]


def config(weights: dict | None = None, **changes) -> dict:
    """The reward above with changes; `weights` are put into their terms."""
    found = {**deepcopy(CONFIG), **changes}
    for name, weight in (weights or {}).items():
        found["terms"][name] = {**found["terms"][name], "weight": weight}
    return found


def heard(transcript: str, **scores) -> Measures:
    return Measures("r", 0, "", transcript, duration_s=2.0, num_tokens=4, token_rate=2.0, scores=scores)


def judged(reward: Reward, text: str, language: str, tokens, measures: Measures, emotion: str | None = None) -> Verdict:
    return reward.judge(Heard.of(text, language, tokens, measures, emotion))


def two_terms(**aggregation) -> Reward:
    terms = {"error": {"rate": 2.5}, "similarity": {}}
    return Reward(config(terms=terms, weights={"error": 1.0, "similarity": 3.0}, aggregation=aggregation))


def test_one_term_alone_is_the_score():
    verdict = judged(Reward(config()), "今天天气", "zh", TOKENS, heard("今天生气"))
    assert verdict.error_rate == 0.25
    assert verdict.score == verdict.terms["pinyin"] == pytest.approx(0.36485105)  # 1 - tanh(0.75)


def test_a_weighted_sum_is_divided_by_the_weights():
    verdict = judged(two_terms(name="weighted_sum"), "今天", "zh", TOKENS, heard("今天", speaker_similarity=0.2))
    assert verdict.terms == {"error": 1.0, "similarity": 0.6}
    assert verdict.score == pytest.approx((1.0 + 3 * 0.6) / 4)


def test_a_harmonic_mean_is_of_the_same_terms():
    verdict = judged(
        two_terms(name="weighted_harmonic_mean"), "今天", "zh", TOKENS, heard("今天", speaker_similarity=0.0)
    )
    assert verdict.score == pytest.approx(4 / (1 / 1.0 + 3 / 0.5))


def test_llasas_term_counts_letters_where_words_have_spaces():
    """One of nine letters: Uc = 1 - tanh(3/9) = 0.678487, Un = exp(-0.6 / 3) = 0.818731; 1 / (0.6 / Uc + 0.4 / Un)."""
    reward = Reward(config(terms={"cer_and_nll": {}}, weights={"cer_and_nll": 1.0}, error={"unit": "characters"}))
    verdict = judged(reward, "The cat sat.", "en", TOKENS, heard("the bat sat", nll=0.6))
    assert verdict.error_rate == pytest.approx(1 / 9)
    assert verdict.score == pytest.approx(0.728395, abs=1e-6)


def test_a_gate_lets_a_voice_count_only_where_the_words_are_right():
    reward = two_terms(name="gate", full_until=0.1, none_from=0.3)
    right = judged(reward, "今天天气", "zh", TOKENS, heard("今天天气", speaker_similarity=0.2))
    assert (right.gate, right.score) == (1.0, pytest.approx((1.0 + 3 * 0.6) / 4))
    partly = judged(reward, "今天天气", "zh", TOKENS, heard("今天生气", speaker_similarity=0.2))  # error 0.25
    assert partly.gate == pytest.approx(0.25)
    assert partly.score == pytest.approx((0.53526143 + 3 * 0.6 * 0.25) / 4)  # exp(-0.625)
    wrong = judged(reward, "今天天气", "zh", TOKENS, heard("明年生气", speaker_similarity=1.0))  # error 0.75
    assert (wrong.gate, wrong.score) == (0.0, pytest.approx(0.15335497 / 4))  # exp(-1.875)


def test_a_long_silence_after_a_right_text_costs_in_the_default_reward():
    """2.0 s of speech and 7.5 s of silence: 7.5 / 9.5 of the wave. Silence term (2.0 / 9.5) / 0.5 = 0.421053, so the
    reward is (1.0 + 0.2 x 0.421053) / 1.2 = 0.903509; without the silence it is 1.0."""
    cfg = compose_stage("tiny_mandarin", "grpo", ())
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    long, short = (heard("今天天气", silence_ratio=ratio, log_f0_std=0.2) for ratio in (7.5 / 9.5, 0.1))
    assert judged(reward, "今天天气", "zh", TOKENS, long).score == pytest.approx(0.903509, abs=1e-6)
    assert judged(reward, "今天天气", "zh", TOKENS, short).score == 1.0


def test_laughter_that_is_heard_is_blamed_on_no_token():
    """Two tokens a second. 走 is heard at 1.2 s and 吧 as 嘛 at 1.7 s: of 3.0 s that is to blame from 1.45 s on."""
    reward = Reward(config())
    times = {"num_tokens": 6, "char_times": [0.3, 1.2, 1.7]}
    laughing = replace(heard("哈走嘛", laughter_s=0.7), **times)
    assert reward.blame(Heard.of("哈哈，走吧", "zh", [], laughing), 6) == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    silent = replace(heard("哈走嘛", laughter_s=0.0), **times)
    blamed = reward.blame(Heard.of("哈哈，走吧", "zh", [], silent), 6)
    assert blamed == [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]  # a 哈 before 0.3 s


def test_separate_terms_keep_their_share_of_the_score():
    verdict = judged(two_terms(name="separate"), "今天", "zh", TOKENS, heard("今天", speaker_similarity=0.2))
    assert verdict.parts == pytest.approx((0.25, 0.45))  # 1 / 4 * 1.0 and 3 / 4 * 0.6
    assert verdict.score == pytest.approx(0.7)
    assert judged(two_terms(name="weighted_sum"), "今", "zh", TOKENS, heard("", speaker_similarity=0.0)).parts == ()


def test_parts_stand_in_the_order_of_the_terms_as_the_estimator_reads_them():
    terms = {"over_length": {"max_tokens": 100, "buffer_tokens": 20}, "mos": None, "error": {}}
    reward = config(terms=terms, weights={"over_length": 1.0, "error": 3.0}, aggregation={"name": "separate"})
    row = {"index": 0, "language": "zh"}
    silent = asyncio.run(compute_score("r", "no speech", "今天", row, recipe="r", server={}, reward=reward))
    assert silent["term_parts"] == [-0.25, 0.0]
    assert silent["score"] == -0.25


def test_a_token_beyond_32_bits_is_bad_speech_and_no_server_is_asked():
    row, spoken = {"index": 0, "language": "zh"}, "<|s_7|><|s_99999999999|>"
    found = asyncio.run(compute_score("r", spoken, "今天", row, recipe="r", server={}, reward=config()))
    assert (found["score"], found["bad_speech"], found["no_speech"]) == (0.0, 1.0, 0.0)
    assert found["speech_tokens"] == "7 99999999999" and found["token_credit"] == [1.0, 1.0]
    assert not is_askable([2**31]) and is_askable([2**31 - 1])


def test_a_text_that_is_left_out_is_judged_alike_and_no_server_is_asked(tmp_path):
    """At b75001f0 one text that no server could measure ended a run of days, and each resumption of it."""
    (tmp_path / "texts.jsonl").write_text('{"text": "今天"}\n{"text": "。"}\n')
    row, own = {"index": 0, "language": "zh"}, {"recipe": "r", "server": {}, "reward": config()}
    own["left_out"] = str(tmp_path / "texts.jsonl")
    for text in ("今天", "。"):
        for spoken in ("<|s_7|>", "<|s_8|><|s_9|>"):
            found = asyncio.run(compute_score("r", spoken, text, row, **own))
            assert (found["score"], found["bad_speech"], set(found["token_credit"])) == (0.0, 1.0, {1.0})
    with pytest.raises(ValueError, match=r"reward_kwargs\.server lacks"):  # the others are asked for
        asyncio.run(compute_score("r", "<|s_7|>", "明天", row, **own))
    with pytest.raises(ValueError, match=r"nothing to be spoken\. To go on without .*reward_kwargs\.left_out=FILE"):
        asyncio.run(compute_score("r", "<|s_7|>", "。", row, **own | {"left_out": None}))


@pytest.mark.parametrize("row", [{"index": 3}, {"index": 3, "language": None}])
def test_a_row_without_a_language_is_an_error_and_not_mandarin(row):
    with pytest.raises(ValueError, match=r"sample 3: its row names no language \(extra_info\.language"):
        asyncio.run(compute_score("r", "<|s_1|>", "안녕", row, recipe="r", server={}, reward=config()))


def test_what_cannot_be_spoken_has_every_term_at_its_lowest():
    assert Reward(config()).unspeakable().score == 0.0
    terms = {"pinyin": {}, "over_length": {"max_tokens": 100, "buffer_tokens": 20}}
    verdict = Reward(config(terms=terms, weights={"pinyin": 1.0, "over_length": 1.0})).unspeakable()
    assert (verdict.terms, verdict.score, verdict.error_rate) == ({"pinyin": 0.0, "over_length": -1.0}, -0.5, 1.0)


def test_the_buffer_of_over_length_is_tokens_or_a_share_of_the_longest():
    terms = {"over_length": {"max_tokens": 10, "buffer_share": 0.2}}
    reward = Reward(config(terms=terms, weights={"over_length": 1.0}))
    assert [judged(reward, "今", "zh", range(n), heard("今")).score for n in (8, 9, 10)] == [0.0, -0.5, -1.0]
    for wrong in ({}, {"buffer_tokens": 2, "buffer_share": 0.2}):
        with pytest.raises(RewardConfigError, match=r"terms\.over_length: takes buffer_tokens, or buffer_share"):
            Reward(config(terms={"over_length": {"max_tokens": 10, **wrong}}, weights={"over_length": 1.0}))


def test_nothing_heard_is_worth_less_than_babble_where_a_recipe_says_so():
    """exp(-2.5 w): one of two words wrong, nothing heard (w = 1), and w = 5 for it, as in the Inworld trainer."""
    plain = Reward(config(terms={"error": {}}, weights={"error": 1.0}))
    strict = Reward(config(terms={"error": {"unheard": 5.0}}, weights={"error": 1.0}))
    assert [judged(r, "good day", "en", TOKENS, heard("good dog")).score for r in (plain, strict)] == [
        pytest.approx(0.28650480)
    ] * 2
    assert judged(plain, "good day", "en", TOKENS, heard("")).score == pytest.approx(0.08208500)
    assert judged(strict, "good day", "en", TOKENS, heard("")).score == pytest.approx(3.7266532e-6)


def test_laughter_that_is_heard_is_no_error_and_earns_its_term():
    reward = Reward(config(terms={"error": {}, "laughter": {}}, weights={"error": 1.0, "laughter": 1.0}))
    laughing = judged(reward, "哈哈，走吧", "zh", TOKENS, heard("走吧", laughter_s=0.7))
    assert (laughing.terms, laughing.error_rate) == ({"error": 1.0, "laughter": 1.0}, 0.0)
    silent = judged(reward, "哈哈，走吧", "zh", TOKENS, heard("走吧", laughter_s=0.0))
    assert (silent.terms["laughter"], silent.error_rate) == (0.0, 0.5)
    once = judged(reward, "哈哈，走吧", "zh", TOKENS, heard("哈走吧", laughter_s=0.7))  # some of it is written
    assert once.error_rate == 0.0
    city = judged(reward, "哈尔滨", "zh", TOKENS, heard("哈尔滨", laughter_s=0.7))
    assert (city.terms["laughter"], city.error_rate) == (0.0, 0.0)


def test_the_row_says_which_emotion_is_wanted():
    reward = Reward(config(terms={"emotion": {}}, weights={"emotion": 1.0}))
    found = heard("今天", emotion={"happy": 0.5, "neutral": 0.3, "sad": 0.2})
    assert judged(reward, "今天", "zh", TOKENS, found, emotion="sad").score == 0.2
    assert judged(reward, "今天", "zh", TOKENS, found).score == pytest.approx(0.7)
    with pytest.raises(ValueError, match="not 'angry'"):
        judged(reward, "今天", "zh", TOKENS, found, emotion="angry")


def test_length_is_that_of_the_text():
    options = {"seconds_per_unit": 0.25, "pause_s": 1.0, "tolerance": 0.25}
    reward = Reward(config(terms={"length": options}, weights={"length": 1.0}))
    assert judged(reward, "今天天气", "zh", TOKENS, heard("")).score == 1.0  # 1 s + 4 * 0.25 s = the 2 s that it took
    assert judged(reward, "今天天气今天天气今天天气", "zh", TOKENS, heard("")).score == pytest.approx(
        0.625
    )  # 4 s: 1.25 / 2


def test_a_missing_or_impossible_measure_is_no_score():
    reward = two_terms(name="weighted_sum")
    with pytest.raises(KeyError, match="speaker_similarity"):
        judged(reward, "今天", "zh", TOKENS, heard("今天"))
    with pytest.raises(ValueError, match="cosine"):
        judged(reward, "今天", "zh", TOKENS, heard("今天", speaker_similarity=1.5))


def test_blame_is_that_of_the_error_in_the_recipe():
    reward = Reward(config())
    measures = Measures("r", 0, "", "今年", [0.5, 1.5], duration_s=2.0, num_tokens=4, token_rate=2.0)
    assert reward.blame(Heard.of("今天", "zh", TOKENS, measures), 4) == [0.0, 0.0, 1.0, 1.0]
    assert reward.blame(None, 4) == [1.0] * 4


def test_blame_by_alignment_is_the_ears_doubt_some_tokens_earlier():
    reward = Reward(config(token_credit={"lead_tokens": 1, "by": "alignment"}))
    assert reward.needs["token_doubt"] == "token_credit.by"
    measures = Measures("r", 0, "", "今年", [0.5, 1.5], duration_s=2.0, num_tokens=4, token_rate=2.0)

    def blamed(doubts: list[float], tokens: int = 4) -> list[float]:
        told = replace(measures, scores={"token_doubt": doubts})
        return reward.blame(Heard.of("今天", "zh", TOKENS, told), tokens)

    assert blamed([0.0, 0.25, 0.5, 1.0]) == [0.25, 0.5, 1.0, 0.0]
    assert blamed([]) == [0.0, 1.0, 1.0, 0.0]  # the ear has not learned it: 年 for 天 from 1.0 s on
    with pytest.raises(ValueError, match="the doubt about each token: 3 for 4 tokens"):
        blamed([0.0, 0.5, 1.0])


def test_the_reward_says_what_it_needs_and_why():
    terms = {"mos": {"weight": 1.0}, "cer_and_nll": {"weight": 1.0}, "similarity": None}
    needs = Reward(config(terms=terms, logged=["log_f0_std"])).needs
    assert needs == {"mos": "terms.mos", "nll": "terms.cer_and_nll", "log_f0_std": "logged"}


EAR = {"audit": 0.1, "unsure": 0.5, "limit": 0.1, "assumed": 0.02}


def test_what_is_measured_on_a_wave_is_nothing_where_there_was_none():
    """Not 0: verl's validation takes the mean of all that is a number, and leaves None out."""
    ear = OmegaConf.to_container(compose_stage("tiny_mandarin", "grpo").recipe.reward.token_ear)
    reward = Reward(config(logged=["log_f0_std"], token_ear=ear, token_credit=None))
    told = dict.fromkeys(("read", "unsure", "audited", "closed", "bias_low", "bias_high", "group"), 0.0)
    speech, row = ([1, 2, 3, 4], [1, 2, 3, 4], ""), {"index": 0, "language": "zh"}
    ways = [heard("今天", log_f0_std=0.2, token_ear=told | {"read": read}) for read in (1.0, 0.0)]
    assert [scored(reward, speech, "今天", row, way)["log_f0_std"] for way in ways] == [None, 0.2]
    assert scored(reward, ([], [], ""), "今天", row, None)["log_f0_std"] is None


def test_numbers_by_name_are_logged_each():
    reward, row = Reward(config(logged=["emotion", "mos"], token_credit=None)), {"index": 0, "language": "zh"}
    measures = heard("今天", emotion={"happy": 0.75, "neutral": 0.25}, mos=3.5)
    found = scored(reward, ([1, 2, 3, 4], [1, 2, 3, 4], ""), "今天", row, measures)
    assert (found["emotion_happy"], found["emotion_neutral"], found["mos"]) == (0.75, 0.25, 3.5)
    assert scored(reward, ([], [], ""), "今天", row, None)["emotion"] is None


def test_the_span_of_a_score_is_what_its_aggregation_makes_of_the_terms_ends():
    """Terms in [0, 1] and [0.5, 2], weights 0.1 and 1.0, in all 1.1: a harmonic mean is 0 where the first is 0, and at
    most 1.1 / (0.1 / 1 + 1 / 2); a sum is from 0.5 / 1.1 to 2.1 / 1.1, behind a gate from 0."""

    def span(**aggregation) -> float:
        reward = Reward(config(terms={"pinyin": {}, "mos": {}}, weights={"pinyin": 0.1, "mos": 1.0}, **aggregation))
        reward.terms["mos"] = replace(reward.terms["mos"], lowest=0.5, highest=2.0)
        return reward.span

    assert span(aggregation={"name": "weighted_harmonic_mean"}) == pytest.approx(1.1 / 0.6)
    assert span(aggregation={"name": "weighted_sum"}) == pytest.approx(1.6 / 1.1)
    assert span(aggregation={"name": "gate", "full_until": 0.1, "none_from": 0.3}) == pytest.approx(2.1 / 1.1)
    assert Reward(config()).span == 1.0


def test_the_audit_of_another_reward_is_another_one():
    given = config(token_ear=EAR)
    own = audited_by(given)
    assert len(own) == 12 and own == audited_by(config(token_ear=EAR, logged=["mos"], token_credit=None))
    tones = {"pinyin": {"weight": 1.0, "tones": True, "shaping": "tanh(3)"}}
    for other in ({"terms": tones}, {"token_ear": EAR | {"limit": 0.02}}, {"error": {"unit": "text"}}):
        assert audited_by(given | other) != own
    assert audited_by(config(token_ear=None)) == audited_by(config()) == ""
