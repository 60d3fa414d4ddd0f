"""Files that grow."""

import json

from speech.files import append_jsonl, growing_lines


def test_a_row_behind_half_a_line_is_a_row(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_jsonl(path, [{"text": "今天"}])
    append_jsonl(path, [])
    with open(path, "a") as file:  # a full disk, or a kill, in the middle of a row
        file.write('{"text": "明')
    append_jsonl(path, [{"text": "后天"}, {"text": "昨天"}])
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["今天", "后天", "昨天"]
    assert growing_lines(path, 0)[0][1:] == [{"text": "后天"}, {"text": "昨天"}]


def test_half_a_line_alone_is_no_row(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a"')
    append_jsonl(path, [{"a": 1}])
    assert path.read_text() == '{"a": 1}\n'
