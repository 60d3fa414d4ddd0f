"""The best of several samples of a text: a decoding with `choose: token_ear`."""

from collections.abc import Sequence
from typing import NamedTuple

from omegaconf import DictConfig
from rapidfuzz.distance import Levenshtein

from infer.records import LIKELIHOOD
from infer.texts import Sentence
from reward_tts.token_ear import TokenEar, first_reading

DISTANCE, FIRST = "edit_distance", "first"


class Choice(NamedTuple):
    """Which sample of a text, and how it was chosen: LIKELIHOOD, DISTANCE or FIRST."""

    index: int
    by: str


class Chooser:
    """Args: the stage's configuration, of which recipe.token_ear_dir is read.

    Raises:
        FileNotFoundError: there is no token ear.
    """

    def __init__(self, cfg: DictConfig):
        self._ear = TokenEar.load(cfg.recipe.token_ear_dir)

    def best(
        self,
        sentences: Sequence[Sentence],
        samples: Sequence[Sequence[Sequence[int]]],
        finished: Sequence[Sequence[bool]],
    ) -> list[Choice]:
        """For each sentence, the sample whose tokens make its text likeliest, by CTC. Where none of them can, as with a
        unit that the ear does not know, the one that the ear reads with the fewest edits; of a text of which it knows
        nothing, the first. Those that ended by themselves, `finished`, come before those that were cut off at the
        limit, which may say all of the text and go on. How many were chosen otherwise than by likelihood is printed."""
        texts = [self._units(sentence) for sentence in sentences]
        flat = [(tokens, text) for several, text in zip(samples, texts, strict=True) for tokens in several]
        losses = iter(self._ear.nll([tokens for tokens, _ in flat], [text for _, text in flat]))
        found = []
        for several, text, ended in zip(samples, texts, finished, strict=True):
            own = [next(losses) for _ in several]
            able = [i for i, loss in enumerate(own) if loss < float("inf")]
            if able:
                found.append(Choice(min(able, key=lambda i: (not ended[i], own[i])), LIKELIHOOD))
            else:
                found.append(self._otherwise(several, text, ended))
        for by in (DISTANCE, FIRST):
            if count := sum(choice.by == by for choice in found):
                print(
                    f"{count} of {len(found)} texts have units that the token ear does not know, or no sample that can "
                    f"hold them: chosen by {by} (chosen_by)",
                    flush=True,
                )
        return found

    def _units(self, sentence: Sentence) -> list[str]:
        """Of its text; none of a language that the ear did not learn."""
        text, language = sentence.request.text, sentence.request.language
        return first_reading(text, language) if self._ear.knows((), language) else []

    def _otherwise(self, several: Sequence[Sequence[int]], text: list[str], ended: Sequence[bool]) -> Choice:
        worse = [(not tokens, not done) for tokens, done in zip(several, ended, strict=True)]  # silence last
        if not any(self._ear.knows([unit]) for unit in text):
            return Choice(worse.index(min(worse)), FIRST)
        edits = [Levenshtein.distance(text, read.units) for read in self._ear.transcribe(several)]
        return Choice(min(range(len(edits)), key=lambda i: (worse[i], edits[i])), DISTANCE)
