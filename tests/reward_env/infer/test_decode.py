"""Where the waves of spoken sentences go."""

import numpy as np
import pytest

from infer import given_voice
from infer.decode import by_number, by_text, decode, out_of, rows_of
from infer.records import Utterance, read_utterances
from stages.config import compose_stage


def said(*texts: str) -> list[Utterance]:
    return [Utterance(i, 0, text, [1], True, "zh") for i, text in enumerate(texts)]


def test_a_wave_is_named_by_its_text(tmp_path):
    folder = str(tmp_path)
    assert by_text(folder, said("今天三点。", "What's 3/4?", "../x y", "！")) == [
        f"{folder}/今天三点.wav",
        f"{folder}/What_s_3_4.wav",
        f"{folder}/x_y.wav",
        f"{folder}/wave.wav",
    ]


def test_a_long_text_is_cut_to_what_a_file_name_holds(tmp_path):
    (path,) = by_text(str(tmp_path), said("很" * 300))
    assert path == f"{tmp_path}/{'很' * 40}.wav"


def test_no_wave_is_written_over(tmp_path):
    (tmp_path / "早.wav").touch()
    (tmp_path / "早-2.wav").touch()
    assert by_text(str(tmp_path), said("早", "早")) == [f"{tmp_path}/早-3.wav", f"{tmp_path}/早-4.wav"]


def test_waves_of_an_evaluation_have_the_same_names_for_every_model():
    assert by_number("x", [Utterance(3, 1, "早", [1], True, "zh")]) == ["x/3-1.wav"]


class Steps:
    """A codec of ten samples a token, each as high as the token's number."""

    sample_rate, codebook_size = 1000, 8

    def decode(self, rows):
        return [np.repeat(row.tokens.astype(np.float32), 10) for row in rows]


def test_parts_are_decoded_each_by_itself_and_joined():
    long = Utterance(0, 0, "早。晚。", [2, 2, 4, 4, 4], True, "zh", parts=(2, 3))
    short = Utterance(1, 0, "早。", [7], True, "zh")
    whole, beside = decode(Steps(), [long, short], crossfade_s=0.004)
    # 20 and 30 samples, of which 4 are both: a rise from 2 to 4 in four steps, centred.
    assert whole.tolist() == [2.0] * 16 + [2.25, 2.75, 3.25, 3.75] + [4.0] * 26
    assert beside.tolist() == [7.0] * 10
    assert [row.tokens.tolist() for row in rows_of(long)] == [[2, 2], [4, 4, 4]]


def test_out_is_one_wave_of_one_text():
    def out(*told: str) -> str | None:
        return out_of(compose_stage("tiny_mandarin", "infer", told))

    assert (out(), out("out=a/b.wav")) == (None, "a/b.wav")
    with pytest.raises(ValueError, match=r"out=a\.mp3: waves are written as \.wav"):
        out("out=a.mp3")
    with pytest.raises(ValueError, match=r"out=a\.wav is one wave"):
        out("out=a.wav", "texts=x.jsonl")
    with pytest.raises(SystemExit, match=r"out=a\.mp3"):  # the stage's first command, before the model speaks
        given_voice.main.__wrapped__(compose_stage("tiny_mandarin", "infer", ("out=a.mp3",)))


def test_parts_that_are_not_all_tokens_are_refused(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text": "早", "tokens": [1, 2], "parts": [1, 2]}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"t\.jsonl:1: field 'parts': are 3 tokens in all, the row has 2"):
        read_utterances(str(tmp_path / "t.jsonl"), "zh")
