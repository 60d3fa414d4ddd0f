"""recipe.voices: what is read, and what is refused with file, line and field."""

from pathlib import Path

import pytest

from speech.voices import Voice, read_voices, voice_of


def test_a_voice_is_its_words_its_tokens_and_its_recording_beside_the_file(tmp_path):
    file = tmp_path / "voices.jsonl"
    file.write_text(
        '{"name": "a", "text": "早。", "speech_tokens": [7, 8], "wav": "a.wav"}\n\n'
        '{"name": "b", "text": "晚。", "language": "yue"}\n'
    )
    voices = read_voices(str(file))
    assert voices == {"a": Voice("a", "早。", (7, 8), str(tmp_path / "a.wav")), "b": Voice("b", "晚。", language="yue")}
    assert voice_of("b", voices).text == "晚。"
    assert voice_of(None, voices) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", ":1: is no JSON"),
        ('{"name": "a"}', ":1: field 'text'"),
        ('{"name": "a", "text": "b", "speech_tokens": [-1]}', ":1: field 'speech_tokens'"),
        ('{"name": "a", "text": "b", "wav": 3}', ":1: field 'wav'"),
        ('{"name": "a", "text": "b", "language": "English"}', ":1: field 'language'"),
        ('{"name": "a", "prompted": false}', ":1: field 'wav': is missing"),
        ('{"name": "a", "description": " "}', ":1: field 'description'"),
        ('{"name": "a", "description": "old", "speech_tokens": [1]}', ":1: field 'text'"),
        ('{"name": "a", "text": "b", "age": 3}', ":1: field 'age': is not known here; known are name, text"),
        ('{"name": "a", "text": "b"}\n{"name": "a", "text": "c"}', ":2: field 'name': a is there already"),
    ],
)
def test_a_bad_line_is_refused_with_file_line_and_field(tmp_path, line, message):
    file = tmp_path / "voices.jsonl"
    file.write_text(line)
    with pytest.raises(ValueError, match=f"voices.jsonl{message}"):
        read_voices(str(file))


def test_all_bad_lines_are_named_and_a_line_ends_at_a_line_feed_alone(tmp_path):
    file = tmp_path / "voices.jsonl"
    file.write_text('{"name": "a", "text": "早\\u2028安"}\n{"name": "b"}\n{"name": "c", "text": "x", "text": "y"}\n')
    with pytest.raises(
        ValueError, match=r"(?s)2 bad rows .*:2: field 'text': is missing.*:3: field 'text': is there t"
    ):
        read_voices(str(file))
    file.write_text('{"name": "a", "text": "早\u2028安"}\n')
    assert read_voices(str(file))["a"].text == "早\u2028安"


def test_a_voice_can_be_a_description_alone(tmp_path):
    file = tmp_path / "voices.jsonl"
    file.write_text('{"name": "a", "description": "An old man."}\n')
    assert read_voices(str(file))["a"] == Voice("a", "", (), None, "An old man.")


def test_a_missing_file_and_an_unknown_voice_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"recipe\.voices"):
        read_voices(str(tmp_path / "none.jsonl"))
    with pytest.raises(ValueError, match="there is no voice 'c'; there are a, b"):
        voice_of("c", {"b": Voice("b", "x"), "a": Voice("a", "y")})
    assert read_voices(None) == {}
