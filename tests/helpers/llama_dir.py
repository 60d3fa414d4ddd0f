"""A small Llama in a directory of a released one's layout: byte-level tokenizer, whose ids can be worked out by hand.

Ids: the bytes by their values, then CONTROL, then what is added.
"""

from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models.tiny_mandarin.tokenizer import _byte_symbols
from speech.tokens import format_speech_tokens

CONTROL = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
CONTROL += ("<|finetune_right_pad_id|>",)
LLASA = tuple(
    f"<|{what}_{end}|>"
    for what in ("TEXT_GENERATION", "TEXT_UNDERSTANDING", "SPEECH_GENERATION", "SPEECH_UNDERSTANDING")
    for end in ("START", "END")
)
# As Llama 3.2's does: a system turn with the date of the day unless one is given; content trimmed.
DATED_TEMPLATE = (
    "{%- if not date_string is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}"
    "{{- bos_token + '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n' }}"
    "{{- 'Today Date: ' + date_string + '\n\n<|eot_id|>' }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{- message['content'] | trim + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)


def write_llama(
    folder: Path, tokens: tuple[str, ...] = (), codebook_size: int = 0, tied: bool = True, hidden: int = 64
) -> Path:
    """A Llama with `tokens` and speech tokens in its vocabulary, as Llasa has, or without, as a text model."""
    tokenizer = Tokenizer(BPE(vocab={symbol: byte for byte, symbol in enumerate(_byte_symbols())}, merges=[]))
    split = pre_tokenizers.Split(Regex(r"\p{L}+|\P{L}"), behavior="isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Sequence([split, bytes_]), decoders.ByteLevel()
    tokenizer.add_special_tokens([*CONTROL, *tokens])
    tokenizer.add_tokens([AddedToken(format_speech_tokens([n]), normalized=False) for n in range(codebook_size)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=CONTROL[0],
        eos_token="<|eot_id|>",
        chat_template=DATED_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32,
        max_position_embeddings=4096,
        tie_word_embeddings=tied,
        bos_token_id=fast.bos_token_id,
        eos_token_id=fast.eos_token_id,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
