"""Prompts of CosyVoice2 and CosyVoice3, which may hold an instruction, or a text alone (`recipe.prompt_template`).

As inference_instruct2 has it (cosyvoice/cli/frontend.py, frontend_instruct2): the instruction stands where a voice's
words would, encoded on its own, and the language model gets no speech of the voice, which the flow alone speaks with.
A voice that is not to be prompted with is left out likewise, as in frontend_cross_lingual: the text stands alone.
CosyVoice3's instructions begin with a sentence, which also stands before a text without one (convert.instruction).
"""

from collections.abc import Sequence

from data_prep import prompt_template
from data_prep.prompt_template import Messages
from speech.voices import Voice

END = "<|endofprompt|>"
ASSISTANT = "You are a helpful assistant."  # begins all of CosyVoice3's instructions (cosyvoice/utils/common.py)


def zero_shot(
    text: str,
    voice: Voice | None = None,
    speech_prefix: Sequence[int] = (),
    instruction: str | None = None,
    prompted: bool = True,
) -> Messages:
    """The general zero_shot, but for an instruction: then a system's turn with it, instead of the voice. `prompted`:
    false leaves the voice out.

    >>> zero_shot("你好", Voice("a", "早上。", (7, 8)), instruction="用四川话说这句话")
    [{'role': 'system', 'content': '用四川话说这句话<|endofprompt|>'}, {'role': 'user', 'content': '你好'}]
    """
    if instruction is None:
        return prompt_template.zero_shot(text, voice if prompted else None, speech_prefix)
    system = {"role": "system", "content": instruction + END}
    return [system, *prompt_template.zero_shot(text, None, speech_prefix)]


def zero_shot3(
    text: str,
    voice: Voice | None = None,
    speech_prefix: Sequence[int] = (),
    instruction: str | None = None,
    prompted: bool = True,
) -> Messages:
    """CosyVoice3's: an instruction gets the sentence that all of them begin with, unless it is there.

    >>> zero_shot3("你好", instruction="请用广东话表达。")[0]["content"]
    'You are a helpful assistant. 请用广东话表达。<|endofprompt|>'
    """
    if instruction is not None and not instruction.startswith(ASSISTANT):
        instruction = f"{ASSISTANT} {instruction}"
    return zero_shot(text, voice, speech_prefix, instruction, prompted)


# As the official package writes texts, "INSTRUCTION<|endofprompt|>text": data_prep/instructions.py takes them apart.
zero_shot.instruction_end = zero_shot3.instruction_end = END
zero_shot3.plain_instruction = ASSISTANT
