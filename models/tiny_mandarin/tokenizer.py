"""A small tokenizer for a model that is trained from scratch: bytes, the characters of the texts, speech tokens.

Ids, in order: 256 bytes, pieces of characters, characters, special tokens, then `<|s_0|>` ... as one block at the end.
Speech tokens are added tokens but not special ones, so `decode(ids, skip_special_tokens=True)` keeps them.
verl 0.9.1 wants of a tokenizer beside a qwen2 model that "\\n" is one token and that `<|im_end|>` exists.
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from speech.files import whole_directory
from speech.tokens import format_speech_tokens

PAD, TURN_START, TURN_END, SPEECH_START = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|SPEECH_GENERATION_START|>"
ROLES = ("user", "assistant")  # in every prompt, so one token each

# A user turn; an assistant turn ends with its end token, because that is the last token that a rollout holds.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{{- '<|im_start|>assistant\n<|SPEECH_GENERATION_START|>' + message['content'] + '<|im_end|>' }}"
    "{%- else %}"
    "{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<|SPEECH_GENERATION_START|>' }}{%- endif %}"
)

# The split of Qwen2's own tokenizer, so that it does not matter which class a library reads the files with.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _byte_symbols() -> list[str]:
    """The character by which byte-level BPE stands for byte 0, 1, ... 255 (GPT-2's table)."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [byte for byte in range(256) if byte not in set(kept)]
    symbol = {byte: chr(byte) for byte in kept} | {byte: chr(256 + place) for place, byte in enumerate(moved)}
    return [symbol[byte] for byte in range(256)]


def _vocabulary(words: Iterable[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """BPE vocabulary and merges that make one token of each word, left to right, and join nothing across words."""
    symbols = _byte_symbols()
    ids = {symbol: byte for byte, symbol in enumerate(symbols)}
    merges: list[tuple[str, str]] = []
    for word in words:
        left, *rest = [symbols[byte] for byte in word.encode()]
        for right in rest:
            if left + right not in ids:
                ids[left + right] = len(ids)
                merges.append((left, right))
            left += right
    return ids, merges


def build_tokenizer(texts: Iterable[str], codebook_size: int, output_dir: str | Path) -> None:
    """Writes a tokenizer that AutoTokenizer loads.

    Args:
        texts: normalised texts; every character of them becomes one token, any other text encodes as bytes.
        codebook_size: number of speech tokens.
        output_dir: appears whole; an earlier one is replaced.

    Raises:
        ValueError: no text or no speech token.
    """
    characters = sorted(set("".join(texts)))
    if not characters or codebook_size < 1:
        raise ValueError(
            f"a tokenizer needs texts and speech tokens: {len(characters)} characters, {codebook_size} tokens"
        )
    ids, merges = _vocabulary([*ROLES, *characters])
    tokenizer = Tokenizer(BPE(vocab=ids, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([PAD, TURN_START, TURN_END, SPEECH_START])
    tokenizer.add_tokens([AddedToken(format_speech_tokens([n]), normalized=False) for n in range(codebook_size)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=PAD,
        additional_special_tokens=[TURN_START, SPEECH_START],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    with whole_directory(output_dir) as temporary:
        fast.save_pretrained(temporary)
