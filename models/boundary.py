"""Texts that a prompt holds side by side, and that the official packages encode each on its own: BPE must not join the
end of one to the beginning of the next. A chat template writes BOUNDARY between them, which no text can hold (see
data_prep/jsonl.py); the tokenizer cuts there, and nothing is left of it.
"""

from tokenizers import Tokenizer, pre_tokenizers

BOUNDARY = "\x1f"  # "unit separator"


def cut_at_boundaries(tokenizer: Tokenizer) -> None:
    """Changes `tokenizer`. A transformers class that builds its own pre-tokenizer, as Qwen2Tokenizer, loses this when
    it is loaded: save it as a PreTrainedTokenizerFast."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(BOUNDARY, behavior="removed"), tokenizer.pre_tokenizer]
    )
