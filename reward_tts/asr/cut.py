"""Transcripts that became as long as an ASR may write: what came after is missing, and counts as not said."""

import logging

log = logging.getLogger(__name__)
_SAID_AGAIN = 100  # transcripts


class CutTranscripts:
    """Counts them, and says so of the first and of every hundredth.

    Attributes:
        count: so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, limit: int) -> None:
        """One more, of so many tokens."""
        self.count += 1
        if self.count % _SAID_AGAIN == 1:
            log.warning(
                "%d transcripts so far were cut at max_new_tokens=%d: speech that loops, or a limit that is too low",
                *(self.count, limit),
            )
