"""What is read from JSON and JSONL, and results that appear whole or not at all."""

import json
import os
import re

import pytest

from data_prep.jsonl import SeenTexts
from speech.faults import UserError
from speech.files import whole_directory, whole_file
from speech.jsonl import BadField, BadRows, made_of, read_all, read_rows
from speech.texts import normalise_text


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
    with pytest.raises(ValueError, match=r"holds no list of objects but begins with '\{'"):
        list(read_rows(path))
    with pytest.raises(
        ValueError, match=r"texts.csv: one JSON object .* in a .jsonl file, or a list of them in a .json file"
    ):
        list(read_rows(tmp_path / "texts.csv"))


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "c", "is there twice"),
        (b'{"text": "\\ud83d"}', "text", "holds half of a surrogate pair, U+D83D"),
        (b'{"\\udc00": 1}', "?", "holds half of a surrogate pair, U+DC00"),
        (b'{"n": 9223372036854775808}', "n", "is an integer of more than 64 bits"),
        (b'{"n": [1, -9223372036854775809]}', "n", "is an integer of more than 64 bits"),
        (b'{"n": ' + b"9" * 5000 + b"}", None, "holds an integer of more than 64 bits"),
        (b'{"n": 1e999}', "n", "is a number too large to be one"),
        (b'{"n": NaN}', None, "is no JSON: NaN is no number of it"),
        (b'{"n": ' + b"[" * 64 + b"]" * 64 + b"}", "n", "is nested more than 64 deep"),
        (b'{"n": ' + b"[" * 100_000, None, "is nested more than 64 deep"),
        (b"[1]", None, "is no JSON object but list"),
        (b'{"text": "\xed\xa0\x80"}', None, "is no UTF-8: invalid continuation byte at byte 10"),
    ],
)
def test_what_nothing_after_us_can_take_is_a_bad_row(tmp_path, line, field, reason):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + line + b'\n{"text": "b"}\n')
    first, (number, _, bad), last = read_rows(path)
    assert (first[2], last[2], last[0]) == ({"text": "a"}, {"text": "b"}, 3)
    assert (number, bad.field, str(bad)) == (2, field, reason)


def test_what_only_looks_like_it_is_a_good_row(tmp_path):
    row = {"text": "\U0001f600\u2028\u0085", "n": [2**63 - 1, -(2**63), 1e300], "deep": [[[]]] * 30, "s": "9" * 30}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\r\n\n" + json.dumps(row, ensure_ascii=False), encoding="utf-8")
    assert [(number, found) for number, _, found in read_rows(path)] == [(1, row), (3, row)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no list of objects but begins with ''"),
        ('[{"a": 1} {"a": 2}]', "is no JSON: after item 1 stands '{'"),
        ('[{"a": 1},]', "is no JSON: item 2: Expecting value"),
        ('[{"a": 1}', "is no JSON: after item 1 stands ''"),
        ('[{"a": 1}] x', "is no JSON: after the list stands 'x'"),
        ("[] x", "is no JSON: after the list stands 'x'"),
    ],
)
def test_a_json_file_that_is_no_list_says_where(tmp_path, content, reason):
    path = tmp_path / "texts.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"texts.json {re.escape(reason)}"):
        list(read_rows(path))


def test_a_json_list_has_the_faults_of_jsonl_and_items_longer_than_a_read(tmp_path):
    path = tmp_path / "texts.json"
    path.write_text(json.dumps([{"text": "二" * 200_000}])[:-1] + ', {"text": 1, "text": 2}, {"n": 1e999}]')
    whole, twice, large = (row for _, _, row in read_rows(path))
    assert (len(whole["text"]), str(twice), str(large)) == (
        200_000,
        "is there twice",
        "is a number too large to be one",
    )
    path.write_text("[]")
    assert list(read_rows(path)) == []


def test_each_row_is_what_is_made_of_it_or_its_fault(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1}\n\n3\n{"n": 2}\n')

    def made(number: int, row: dict) -> tuple[int, int]:
        if row["n"] == 2:
            raise BadField("n", "is 2")
        return number, row["n"]

    first, *rest = made_of(read_rows(path), "own", made)
    assert first == (1, 1)
    assert [*map(str, rest)] == ["own:3: is no JSON object but int", "own:4: field 'n': is 2"]
    faults = []
    assert read_all(path, made, "numbers", faults=faults) == [(1, 1)]
    assert [one.line for one in faults] == [3, 4]
    with pytest.raises(BadRows, match=r"^2 bad rows in .*rows\.jsonl:\n.*rows\.jsonl:3: is no JSON"):
        read_all(path, made, "numbers")


def test_what_is_no_file_is_called_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    (tmp_path / "link.jsonl").symlink_to("nothing.jsonl")
    for name, reason in [
        ("pipe", "is a pipe (FIFO), not a file"),
        ("folder", "is a directory, not a file"),
        ("loop", "is a loop of links"),
        ("link", "is a link to nothing.jsonl, which is missing"),
        ("none", "is missing"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=re.escape(f"{name}.jsonl {reason}: one JSON object")):
            list(read_rows(tmp_path / f"{name}.jsonl"))


def test_normalisation_is_nfkc_and_single_spaces():
    assert normalise_text("ＡＢ１２\u3000你好，\t\n世界 ") == "AB12 你好, 世界"
    assert normalise_text("e\u0301") == "é"
    assert normalise_text("½ m² ① ℃") == "½ m² ① ℃"  # NFKC's 1⁄2, m2 and 1 would be read otherwise
    assert normalise_text("5′30″") == "5′30″"  # of ″ NFKC makes two ′


def test_seen_texts_remembers_across_its_two_stores():
    seen = SeenTexts(recent_limit=3)
    assert all(seen.add(str(number)) for number in range(10))
    assert not any(seen.add(str(number)) for number in range(10))
    assert ("9",) in seen
    assert ("10",) not in seen
    assert seen.add("1", "0")  # another key than "10", or than "1" and "0" alone


def test_a_folder_with_what_is_not_ours_is_not_replaced(tmp_path):
    """recipe.export_dir=/opt/GLM-TTS/ckpt: its flow and vocoder would be gone."""
    for name in ("llm", "flow", "hift"):
        (tmp_path / "ckpt" / name).mkdir(parents=True)
    own = whole_directory(tmp_path / "ckpt", lambda file: file.name == "llm")
    with pytest.raises(UserError, match="holds flow, hift, which would be lost"), own:
        raise AssertionError("nothing is written")
    assert sorted(file.name for file in (tmp_path / "ckpt").iterdir()) == ["flow", "hift", "llm"]
    with whole_directory(tmp_path / "ckpt", lambda file: True) as temporary:
        (temporary / "llm").mkdir()
    assert [file.name for file in (tmp_path / "ckpt").iterdir()] == ["llm"]


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
