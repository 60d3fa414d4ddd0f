"""The best of several samples of a text: a decoding with `choose: token_ear`."""

from collections.abc import Sequence

from omegaconf import DictConfig

from infer.texts import Sentence
from reward_tts.token_ear import TokenEar, first_reading


class Chooser:
    """Args: the stage's configuration, of which recipe.token_ear_dir is read.

    Raises:
        FileNotFoundError: there is no token ear.
    """

    def __init__(self, cfg: DictConfig):
        self._ear = TokenEar.load(cfg.recipe.token_ear_dir)

    def best(self, sentences: Sequence[Sentence], samples: Sequence[Sequence[Sequence[int]]]) -> list[int]:
        """For each sentence, the index of the sample whose tokens make its text likeliest, by CTC; the first of a text
        with units that the ear does not know."""
        texts = [first_reading(s.request.text, s.request.language) for s in sentences]
        flat = [(tokens, text) for several, text in zip(samples, texts, strict=True) for tokens in several]
        losses = iter(self._ear.nll([tokens for tokens, _ in flat], [text for _, text in flat]))
        found = []
        for several in samples:
            own = [next(losses) for _ in several]
            found.append(min(range(len(own)), key=own.__getitem__))
        return found
