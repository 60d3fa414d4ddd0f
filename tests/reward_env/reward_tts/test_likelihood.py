"""CTC likelihoods of a wanted text: by a real SenseVoice on waves and by the token ear, against sums by hand."""

import math
from itertools import groupby, product

import numpy as np
import pytest
import torch

from reward_tts.asr.paraformer import ParaformerASR
from reward_tts.asr.sensevoice import SenseVoiceASR
from reward_tts.ctc import doubts
from reward_tts.measures import Measures, Status
from reward_tts.reward import formulas
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from reward_tts.scorers.likelihood import HIGHEST_NLL, CTCLikelihood, TokenLikelihood
from reward_tts.token_ear import Network, TokenEar
from speech.interfaces import Row
from tests.helpers.cosyvoice_release import write_sensevoice
from tests.helpers.small_models import paraformer

REST = {"aggregation": {"name": "weighted_sum"}, "error": {"unit": "text"}, "token_credit": None, "logged": []}


@pytest.fixture(scope="module")
def asr(tmp_path_factory: pytest.TempPathFactory) -> SenseVoiceASR:
    folder = tmp_path_factory.mktemp("sensevoice")
    write_sensevoice(folder)
    return SenseVoiceASR(str(folder))


def wave(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=round(16_000 * seconds)).astype(np.float32) * 0.05


def row(text: str, tokens: tuple[int, ...] = (1,)) -> Row:
    return Row(np.array(tokens, np.int32), None, "zh", text)


def test_sensevoices_nll_is_the_sum_over_all_alignments(asr):
    """Five frames, two characters: all 3^5 paths of blank and the two, those that collapse to the text added up."""
    heard, text = wave(0.3), "今天"
    (found,) = asr.nll([heard], [text], ["zh"])
    (frames,) = asr._encode([heard], ["zh"])
    with torch.inference_mode():
        probability = asr.model.ctc.ctc_lo(frames).double().softmax(-1)
    first, second = (asr.tokenizer.sp.PieceToId(char) for char in text)
    assert len(frames) == 5 and asr.model.blank_id not in (first, second)
    total = 0.0
    for path in product([asr.model.blank_id, first, second], repeat=len(frames)):
        if [s for s, _ in groupby(path) if s != asr.model.blank_id] == [first, second]:
            total += math.prod(float(probability[i, symbol]) for i, symbol in enumerate(path))
    assert found == pytest.approx(-math.log(total) / 2, rel=1e-4)


def test_doubts_are_what_forward_and_backward_give_by_hand():
    """Two frames, symbols blank, a, b. For `a` the paths a- .48, aa .24 and -a .03 of .75: at a in the first frame with
    .96, in the second with .36. For `b`: b- .06, bb .01, -b .01 of .08. `aa` needs three frames, of which there are
    two. The third frame is beyond the row's length."""
    frames = torch.tensor([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.3, 0.3, 0.4]]).log()
    found = doubts(frames.expand(3, 3, 3), torch.tensor([2, 2, 2]), [[1], [2], [1, 1]])[:, :2]
    by_hand = [[1 - 0.96 * 0.8 - 0.04 * 0.1, 1 - 0.64 * 0.6 - 0.36 * 0.3]]
    by_hand += [[1 - 0.875 * 0.1 - 0.125 * 0.1, 1 - 0.75 * 0.6 - 0.25 * 0.1], [1.0, 1.0]]
    torch.testing.assert_close(found, torch.tensor(by_hand), atol=1e-6, rtol=0)


def test_a_wave_in_company_is_as_likely_as_alone_and_punctuation_says_nothing(asr):
    waves, texts = [wave(0.5, 1), wave(1.1, 2)], ["今天", "天气很长"]
    together = asr.nll(waves, texts, ["zh", "zh"])
    alone = [asr.nll([one.copy()], [text], ["zh"])[0] for one, text in zip(waves, texts, strict=True)]
    assert together == pytest.approx(alone, rel=1e-4)
    assert asr.nll(waves, ["今天。", "天气，很长！"], ["zh", "zh"]) == pytest.approx(together, rel=1e-6)


def test_what_was_transcribed_is_not_encoded_again(asr, monkeypatch):
    waves, encoded = [wave(0.4, 3), wave(0.6, 4)], []
    real = asr._frames
    monkeypatch.setattr(
        asr, "_frames", lambda features, languages: encoded.append(len(features)) or real(features, languages)
    )
    asr.transcribe(waves, ["zh", "zh"])
    CTCLikelihood(asr).measure(waves, [row("今天"), row("天气")])
    assert encoded == [2]


def test_speech_too_short_for_its_text_has_the_highest_nll_that_is_finite(asr):
    (measured,) = CTCLikelihood(asr).measure([wave(0.1)], [row("今天晚上去吃饭")])
    assert measured == {"ctc_nll": HIGHEST_NLL}


def test_a_character_that_sensevoice_has_no_symbol_for_is_named(asr):
    with pytest.raises(ValueError, match=r"no symbols for .*龘"):
        asr.nll([wave(0.5)], ["今龘"], ["zh"])


def test_an_asr_without_ctc_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ParaformerASR cannot say how likely a text is"):
        CTCLikelihood(ParaformerASR(str(paraformer(tmp_path, "Paraformer"))))


def token_ear() -> TokenEar:
    """Of 2 tokens: each frame says blank with 0.5, ni3 with 0.4, hao3 with 0.1, whatever the token."""
    network = Network(2, 2, width=4, kernels=(1,))
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([0.5, 0.4, 0.1]).log())
    return TokenEar(network, ["ni3", "hao3"])


def test_the_token_ears_nll_by_hand():
    ear = token_ear()
    # ni3 in two frames: 0.4 0.4 + 0.4 0.5 + 0.5 0.4 = 0.56; both in two: 0.4 0.1 alone; in one frame they do not fit
    found = ear.nll([[0, 1], [1, 0], [1]], [["ni3"], ["ni3", "hao3"], ["ni3", "hao3"]])
    assert found == pytest.approx([-math.log(0.56), -math.log(0.04) / 2, math.inf])


def test_the_scorer_of_tokens_needs_no_wave_and_names_units_it_never_heard(asr, tmp_path):
    token_ear().save(tmp_path / "ear", {"width": 4, "kernels": [1]})
    scorer = TokenLikelihood(str(tmp_path / "ear"), asr)
    silent = np.zeros(0, np.float32)
    measured = scorer.measure([silent, silent], [row("你", (0, 1)), row("你好", (1,))])
    assert [m["token_nll"] for m in measured] == pytest.approx([-math.log(0.56), HIGHEST_NLL])
    with pytest.raises(ValueError, match=r"never heard .*tian1.* of '今天'"):
        scorer.measure([silent], [row("今天", (0, 1))])


@pytest.mark.parametrize(("term", "measure"), [("likelihood", "ctc_nll"), ("token_likelihood", "token_nll")])
def test_the_terms_are_worth_exp_of_minus_nll_over_tau(term, measure):
    reward = Reward({"terms": {term: {"weight": 1.0, "tau": 2.0}}, **REST})
    assert reward.needs == {measure: f"terms.{term}"}
    measures = Measures("r", Status.OK, transcript="你好", duration_s=1.0, token_rate=25.0, scores={measure: 1.0})
    assert reward.judge(Heard.of("你好", "zh", [7, 8], measures)).score == pytest.approx(math.exp(-0.5))
    assert formulas.likelihood(math.inf, 3.0) == 0.0
    with pytest.raises(ValueError, match="nll is from 0"):
        formulas.likelihood(-0.1, 3.0)
