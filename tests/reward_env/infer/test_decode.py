"""Where the waves of spoken sentences go."""

from infer.decode import by_number, by_text
from infer.records import Utterance


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
