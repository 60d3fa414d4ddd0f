"""The text tokenizer of a released CosyVoice with the family's tokens, and the family's prompt as its chat template.

Ids: the text tokens where they are, `<|unused_N|>` up to the end of the released embedding table, then what the tables
of layout.py hold: `<|s_0|>` ..., end tokens, start and task. The published recipe puts speech tokens on unused rows.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from models.boundary import BOUNDARY, cut_at_boundaries
from models.cosyvoice.layout import END, Family
from speech.loading import pretrained
from speech.tokens import format_speech_tokens

# What the official front end adds to Qwen2's tokenizer, in its order (cosyvoice/tokenizer/tokenizer.py).
TEXT_TOKENS = [
    *("<|im_start|>", "<|im_end|>", "<|endofprompt|>", "[breath]", "<strong>", "</strong>", "[noise]", "[laughter]"),
    *("[cough]", "[clucking]", "[accent]", "[quick_breath]", "<laughter>", "</laughter>", "[hissing]", "[sigh]"),
    *("[vocalized-noise]", "[lipsmack]", "[mn]"),
]
PAD = "<|endoftext|>"
SPEECH_START = "<|SPEECH_GENERATION_START|>"

# User turns that stand together are one: the voice's words and the text. An assistant's turn at the end stays open: it
# holds the voice prompt's speech tokens, and the model goes on.
TEMPLATES = {
    # <|sos|> text <|task_id|> speech: what Qwen2LM.inference puts together. The front end makes ids of the voice's
    # words and of the text, each on its own. INSTRUCTION is CosyVoice3's; a system's turn, one of the text's own
    # (models/cosyvoice/prompt.py), stands there instead.
    "official": (
        "{%- for message in messages %}"
        "{%- if message['role'] != 'assistant' %}"
        "{{- 'BOUNDARY' if not loop.first else '<|sos|>' if message['role'] == 'system' else '<|sos|>INSTRUCTION' }}"
        "{%- endif %}"
        "{{- message['content'] }}"
        "{%- if message['role'] != 'assistant' and (loop.last or loop.nextitem['role'] == 'assistant') %}"
        "{{- '<|task_id|>' }}"
        "{%- endif %}"
        "{%- endfor %}"
    ).replace("BOUNDARY", BOUNDARY),
    # Of the models that were fine-tuned from Qwen2.5-0.5B-Instruct (icefall, egs/emilia/TTS/llasa_cosyvoice2_token), on
    # words and text as one string.
    "chat": (
        "{%- for message in messages %}"
        "{%- if message['role'] == 'assistant' %}"
        "{{- '<|im_start|>assistant\n<|SPEECH_GENERATION_START|>' + message['content'] }}"
        "{%- else %}"
        "{%- if loop.first %}{{- '<|im_start|>user\nConvert the text to speech: ' }}{%- endif %}"
        "{{- message['content'] }}"
        "{%- if loop.last or loop.nextitem['role'] == 'assistant' %}{{- '<|im_end|>\n' }}{%- endif %}"
        "{%- endif %}"
        "{%- endfor %}"
        "{%- if add_generation_prompt and messages[-1]['role'] != 'assistant' %}"
        "{{- '<|im_start|>assistant\n<|SPEECH_GENERATION_START|>' }}"
        "{%- endif %}"
    ),
}


def template_of(name: str, instruction: str = "") -> str:
    """The chat template `name`; `instruction` stands before the text (official template only).

    Raises:
        ValueError: no such template, or an instruction that it has no place for.
    """
    if name not in TEMPLATES:
        raise ValueError(f"template is one of {sorted(TEMPLATES)}, got {name!r}")
    if instruction and (name != "official" or "'" in instruction or "\\" in instruction):
        raise ValueError(
            f"the template {name!r} has no place for the instruction {instruction!r} (or it holds ' or \\)"
        )
    return TEMPLATES[name].replace("INSTRUCTION", instruction)


def build(
    folder: Path, text_rows: int, family: Family, codebook_size: int, more_text_tokens: Sequence[str], template: str
) -> PreTrainedTokenizerBase:
    """Tokenizer of the converted model.

    Args:
        folder: the released text tokenizer (CosyVoice-BlankEN).
        text_rows: of the released embedding table; speech tokens begin there.
        more_text_tokens: which the front end adds behind TEXT_TOKENS.
        template: a chat template.

    Raises:
        ValueError: there are more text tokens than rows.
    """
    tokenizer = pretrained(AutoTokenizer, folder)
    tokenizer.add_tokens([PAD, *TEXT_TOKENS, *more_text_tokens], special_tokens=True)
    spare = text_rows - len(tokenizer)
    if spare < 0:
        raise ValueError(
            f"{folder} has {len(tokenizer)} tokens with those of the front end, llm.pt {text_rows} text rows"
        )
    tokenizer.add_tokens([f"<|unused_{i}|>" for i in range(spare)], special_tokens=True)
    # Not special: decode(ids, skip_special_tokens=True) has to keep them.
    tokenizer.add_tokens([AddedToken(format_speech_tokens([n]), normalized=False) for n in range(codebook_size)])
    tokenizer.add_tokens([*family.behind_codebook, *family.own_table], special_tokens=True)
    tokenizer.eos_token, tokenizer.pad_token = END, PAD
    return _with_template(tokenizer, template)


def adopt(folder: Path, codebook_size: int, template: str) -> PreTrainedTokenizerBase:
    """Tokenizer of a Hugging Face checkpoint that was trained with the template `template`, which it now carries.

    Its end is the model's, which in the published conversion (examples/grpo/cosyvoice2/pretrained_to_huggingface.py)
    generation_config alone names: the tokenizer's own is <|endoftext|>, which that model never writes, and <|eos1|> to
    <|eos3|> are plain tokens. Where the tokenizer's own end is one of the model's, it stays. A plain Qwen2 reads the
    voice's words and the text as one string, as that recipe's infer_dataset.py joins them.

    Raises:
        ValueError: it lacks speech tokens, or a token of the template.
    """
    tokenizer = pretrained(AutoTokenizer, folder)
    names = format_speech_tokens(range(codebook_size)).replace("><", ">\n<").split("\n")
    names += [
        name for name in ("<|sos|>", "<|task_id|>", SPEECH_START, "<|im_start|>", "<|im_end|>") if name in template
    ]
    if missing := [name for name in names if name not in tokenizer.get_added_vocab()]:
        raise ValueError(
            f"{folder}: the tokenizer lacks {missing[:5]}, {len(missing)} in all: another model or template"
        )
    if ends := tokenizer.convert_ids_to_tokens(_model_ends(folder)):
        tokenizer.add_tokens(ends, special_tokens=True)  # which they were: decode can skip them now
        tokenizer.eos_token = tokenizer.eos_token if tokenizer.eos_token in ends else ends[0]
    if type(tokenizer) is not PreTrainedTokenizerFast:  # by its model's type transformers loads a class without cuts
        template = template.replace(BOUNDARY, "")
    return _with_template(tokenizer, template)


def _model_ends(folder: Path) -> list[int]:
    """Ids that end an answer: of generation_config.json, or where that names none of config.json."""
    for file in (folder / "generation_config.json", folder / "config.json"):
        found = json.loads(file.read_text(encoding="utf-8")).get("eos_token_id") if file.is_file() else None
        if found is not None:
            return found if isinstance(found, list) else [found]
    return []


def _with_template(tokenizer: PreTrainedTokenizerBase, template: str) -> PreTrainedTokenizerBase:
    if BOUNDARY in template:
        cut_at_boundaries(tokenizer.backend_tokenizer)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer.backend_tokenizer,
            eos_token=tokenizer.eos_token,
            pad_token=tokenizer.pad_token,
            model_max_length=tokenizer.model_max_length,
        )
    tokenizer.chat_template = template
    return tokenizer
