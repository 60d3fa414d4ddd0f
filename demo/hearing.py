"""What an ASR heard of an utterance, beside what was asked for."""

from dataclasses import dataclass

from infer.aligned import Edit, edits
from reward_tts.reward.errors import Compared, style
from speech.readings.units import SYLLABIC


@dataclass(frozen=True)
class Hearing:
    """What one ASR heard.

    Attributes:
        whose: "reward" or "evaluation"; asr: its class.
        text, transcript: asked and heard, as compared.
        steps: their alignment.
        unit, error: what is counted, and its rate: as the reward counts, or the evaluation.
    """

    whose: str
    asr: str
    text: str
    transcript: str
    steps: list[Edit]
    unit: str
    error: float


def hearing(whose: str, asr: str, compared: Compared, unit: str, tones: bool = False) -> Hearing:
    """What was heard as `compared` has it, in a unit of recipe.reward.error."""
    steps, rate = edits(compared, style(compared.language, unit, tones)), compared.error(unit, tones)
    counted = "CER" if compared.language in SYLLABIC else "WER"
    if compared.language == "zh" and unit.endswith("pinyin"):
        counted = "pinyin error" if tones else "toneless pinyin error"
    return Hearing(whose, asr, compared.reference, compared.hypothesis, steps, counted, rate)
