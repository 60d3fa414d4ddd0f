"""What is read from JSON and JSONL, and results that appear whole or not at all."""

import pytest

from data_prep.jsonl import BadField, SeenTexts, normalise_text, read_rows
from speech.files import whole_directory, whole_file


def test_a_json_list_is_streamed(tmp_path):
    path = tmp_path / "texts.json"
    path.write_bytes(b'\xef\xbb\xbf [{"text": "a", "seconds": 1.5},\n ["b"],\n {"text": "c"')
    rows = read_rows(path)
    assert next(rows) == (1, '{"text": "a", "seconds": 1.5}', {"text": "a", "seconds": 1.5})
    assert isinstance(next(rows)[2], BadField)  # both before the fault in the third is met
    with pytest.raises(ValueError, match=r"texts\.json is no JSON"):
        next(rows)


def test_a_json_list_is_read_too_and_other_files_are_refused(tmp_path):
    path = tmp_path / "texts.json"
    path.write_text('[{"text": "a"},\n {"text": "b"}]')
    assert [(number, value["text"]) for number, _, value in read_rows(path)] == [(1, "a"), (2, "b")]
    path.write_text('{"text": "a"}')
    with pytest.raises(ValueError, match=r"holds no list of objects but begins with b'\{'"):
        list(read_rows(path))
    with pytest.raises(ValueError, match=r"texts.csv: texts come from .jsonl or .json files"):
        list(read_rows(tmp_path / "texts.csv"))


def test_normalisation_is_nfkc_and_single_spaces():
    assert normalise_text("ＡＢ１２\u3000你好，\t\n世界 ") == "AB12 你好, 世界"
    assert normalise_text("e\u0301") == "é"


def test_seen_texts_remembers_across_its_two_stores():
    seen = SeenTexts(recent_limit=3)
    assert all(seen.add(str(number)) for number in range(10))
    assert not any(seen.add(str(number)) for number in range(10))
    assert ("9",) in seen
    assert ("10",) not in seen
    assert seen.add("1", "0")  # another key than "10", or than "1" and "0" alone


def test_an_error_while_writing_leaves_neither_the_file_nor_the_directory(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").touch()
    with pytest.raises(RuntimeError), whole_directory(tmp_path / "old") as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    with pytest.raises(RuntimeError), whole_file(tmp_path / "new") as temporary:
        temporary.touch()
        raise RuntimeError
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == ["old", "old/kept"]
