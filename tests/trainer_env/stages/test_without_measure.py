"""What a reward server could not measure of a training is told before it begins, with the line or texts to blame."""

import pytest

from stages.config import compose_stage, recipes
from stages.preflight import check_training
from stages.run import plan
from stages.without_measure import of_terms, provided


def test_a_term_that_no_scorer_offers_is_refused_before_a_model_is_loaded():
    """At b75001f0 a dry run passed, and the server said it after it had loaded all of them."""
    own = ["recipe.reward.terms.mos.weight=0.5"]
    _, planned = plan("cosyvoice2", "serve", "train", own)
    with pytest.raises(SystemExit, match=rf"line: \+\+{own[0]}: recipe\.reward\.terms\.mos needs the measure mos"):
        check_training(planned[-1], planned)
    mos = "+scorers.mos={_target_: reward_tts.scorers.mos.DNSMOSScorer}"
    _, planned = plan("cosyvoice2", "serve", "train", [*own, mos])
    check_training(planned[-1], planned)
    _, planned = plan("cosyvoice2", "train", "train", own)
    check_training(planned[-1], planned)  # another's server is asked itself


def test_every_recipe_offers_what_its_reward_needs():
    for recipe in recipes():
        assert list(of_terms(compose_stage(recipe, "grpo"), compose_stage(recipe, "server"))) == [], recipe


@pytest.mark.parametrize(
    ("target", "measures"),
    [
        ("reward_tts.scorers.mos.DNSMOSScorer", ("mos",)),
        ("reward_tts.scorers.mos.DistillMOS", None),  # named by an argument
        ("reward_tts.scorers.xvector.XVector", ("speaker_similarity",)),  # of the class that it extends
        ("reward_tts.asr.mms.MMSASR", ()),
        ("reward_tts.scorers.nowhere.Scorer", None),
    ],
)
def test_what_a_scorer_offers_is_read_from_its_source(target, measures):
    assert provided(target) == measures
