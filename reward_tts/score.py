"""Stage `score`: speech tokens and texts -> what was heard, terms and reward of each, as in training, without a server.

    python -m reward_tts.score --config-path <recipe> --config-name score input=rollouts.jsonl

A line of `input` has `text` (or verl's `gts`) and `tokens` (or `speech_tokens`, `code`, or verl's `output`, a
completion as text); `language`, `voice`, `emotion` ("unknown" is none) and `speech_prefix` may be there. `output` gets
a line for each, in order: the row's own fields, and what the reward function returns. Bad rows end it before a model is
loaded. Every row is heard by wave; with `read_tokens` the token ear reads those that it is sure of, if
recipe.reward.token_ear has one, and is audited as in training (reward_tts/server/shortcut.py).
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import hydra
import numpy as np
import torch
from omegaconf import DictConfig
from pydantic import AliasChoices, BaseModel, Field
from tqdm import tqdm

from reward_tts.compute_score import is_askable, judged, speech_of
from reward_tts.measures import Measures, Status
from reward_tts.scored import Scored
from reward_tts.server.instance import Instance, make_gate, make_instance
from reward_tts.server.shortcut import AUDITED, CLOSED, EAR, UNSURE
from speech.faults import told_plainly
from speech.files import write_jsonl
from speech.interfaces import Row
from speech.jsonl import BadField, Named, Token, Unnamed, check, read_all
from speech.labels import check_choice
from speech.paths import check_outputs
from speech.readings import something_said
from speech.tokens import TOKEN_FIELDS, format_speech_tokens
from speech.voices import read_voices

_TOKENS = ("tokens", *TOKEN_FIELDS, "output")  # rollouts have tokens


class _Given(BaseModel):
    """A line of `input`; what else is there is carried along."""

    text: Named = Field(validation_alias=AliasChoices("text", "gts"))
    tokens: list[Token] | str = Field(validation_alias=AliasChoices(*_TOKENS))
    language: Named | None = None
    voice: Unnamed = None
    emotion: Unnamed = None
    speech_prefix: list[Token] | None = None

    @property
    def completion(self) -> str:
        return self.tokens if isinstance(self.tokens, str) else format_speech_tokens(self.tokens)


Rows = list[tuple[int, dict[str, Any], _Given]]


def read(cfg: DictConfig) -> Rows:
    """(line, the row, the same checked) of each line of `input`.

    Raises:
        BadRows: with file, line and field of all that cannot be scored. FileNotFoundError. ValueError: no row.
    """
    if cfg.input is None:
        raise SystemExit("score needs input=FILE.jsonl: speech tokens and texts")
    voices = read_voices(cfg.recipe.voices) if cfg.recipe.voices and Path(cfg.recipe.voices).exists() else {}

    emotions = cfg.recipe.field_values.get("emotion") if "emotion" in cfg.recipe.extra_fields else None

    def made(number: int, row: dict[str, Any]) -> tuple[int, dict[str, Any], _Given]:
        given = check(_Given, row)
        language = given.language or cfg.recipe.language
        if len(given.text) > cfg.server.max_text_chars:
            raise BadField("text", f"has {len(given.text)} characters, max_text_chars is {cfg.server.max_text_chars}")
        if not something_said(given.text, language):
            raise BadField("text", f"has nothing to be spoken: {given.text}")
        if given.voice and given.voice not in voices:
            raise BadField("voice", f"there is no voice {given.voice!r} in recipe.voices={cfg.recipe.voices}")
        emotion = check_choice(row, "emotion", emotions) if given.emotion else None
        return number, row, given.model_copy(update={"language": language, "emotion": emotion})

    rows = read_all(cfg.input, made, "tokens and texts to score (input)")
    if not rows:
        raise ValueError(f"{cfg.input} holds no row")
    return rows


def scores(instance: Instance, rows: Rows, path: str, batch: int) -> Iterator[dict[str, Any]]:
    """A result for each row, in order. Raises ValueError, with file and line, for one that could not be measured."""
    bar = tqdm(total=len(rows), desc="scored", unit="row", mininterval=5)
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        infos = [given.model_dump(exclude={"text", "tokens"}) | {"index": number} for number, _, given in some]
        speech = [speech_of(given.completion, info) for (_, _, given), info in zip(some, infos, strict=True)]
        asked = [
            Row(np.asarray(spoken if is_askable(own) else [], np.int32), given.voice, given.language, given.text)
            for (spoken, own, _), (_, _, given) in zip(speech, some, strict=True)
        ]
        measured = instance.measures.measure(asked)
        for (number, row, given), info, said, one in zip(some, infos, speech, measured, strict=True):
            if one.status not in (Status.OK, Status.BAD_SPEECH):
                raise ValueError(f"{path}:{number}: could not be measured: {one.message}")
            heard: Measures | None = one if one.status == Status.OK and said[1] else None
            found = judged(instance.reward, said, given.text, info, heard)
            row |= {"tokens": said[1]} if isinstance(given.tokens, str) else {}  # as stage prefer wants them
            yield row | {key: value for key, value in found.items() if key not in ("server_span", "speech_tokens")}
        bar.update(len(some))


def told_of_ear(found: list[dict[str, Any]]) -> str:
    """How many of the rows the token ear read, and the bounds on its reward, which the last row knows best. A row that
    cannot be spoken goes no way, and knows none."""
    ways = [f"token_ear_{way}" for way in (EAR, UNSURE, AUDITED, CLOSED)]
    spoken = [row for row in found if any(row[way] for way in ways)]
    if not spoken:
        return "the token ear read none of them, and nothing was audited: no row can be spoken"
    share, last = mean(row["token_ear_read"] for row in spoken), spoken[-1]
    bounds = f"{last['token_ear_bias_low']:+.4f} to {last['token_ear_bias_high']:+.4f}"
    return (
        f"the token ear read {share:.0%} of the {len(spoken)} that can be spoken; its reward is {bounds} from the "
        "wave's in the mean"
    )


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    logging.getLogger().setLevel(logging.WARNING)  # what models say while they are loaded is no news
    with told_plainly():
        rows = read(cfg)
        output = cfg.output or str(Path(cfg.input).with_suffix(".scored.jsonl"))
        check_outputs({"input": cfg.input}, {"output": output})
        if (scored := Scored(cfg, output)).is_there():
            print(f"scored already: {output}", flush=True)
            return
        scored.forget()
        torch.set_num_threads(cfg.server.torch_threads)
        if cfg.recipe.reward.get("token_ear") is not None and not cfg.read_tokens:
            cfg.recipe.reward.token_ear = None
        instance = make_instance(cfg, cfg.server.devices[0], make_gate(cfg))
        found: list[dict[str, Any]] = []
        for one in scores(instance, rows, str(cfg.input), cfg.server.max_batch_size):
            found.append(one)
        write_jsonl(output, found)
        scored.record()
    terms = ", ".join(f"{name} {mean(row[f'term_{name}'] for row in found):.4f}" for name in instance.reward.terms)
    print(f"{len(found)} rows: reward {mean(row['score'] for row in found):.4f} ({terms})")
    if instance.reward.token_ear:
        print(told_of_ear(found))
    print(output)


if __name__ == "__main__":
    main()
