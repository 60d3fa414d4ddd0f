"""Files that grow."""

import json
import os
import subprocess
import sys

from speech.files import append_jsonl, growing_lines, whole_file, whole_files


def test_two_processes_of_the_same_pid_do_not_write_to_the_same_file(tmp_path):
    """As in two containers on one file system."""
    name = f"import os; os.getpid = lambda: {os.getpid()}; from speech.files import whole_file, Path\n"
    name += f"with whole_file({str(tmp_path / 'a')!r}) as path: print(path.name); path.touch()"
    other = subprocess.run([sys.executable, "-c", name], check=True, capture_output=True, text=True).stdout.strip()
    with whole_file(tmp_path / "a") as own:
        assert own.name != other and own.name.startswith(f"a.{os.getpid()}-") and other.startswith(f"a.{os.getpid()}-")
        own.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_is_written_again_with_the_same_content_keeps_its_time(tmp_path):
    """At b75001f0 it got another one, by which a large one is known: a training of days began anew."""
    for name in ("a", "b"):
        (tmp_path / name).write_text("before")
        os.utime(tmp_path / name, (1e9, 1e9))
    with whole_files([tmp_path / "a", tmp_path / "b"]) as (same, other):
        same.write_text("before")
        other.write_text("behind")
    assert [(tmp_path / name).stat().st_mtime == 1e9 for name in ("a", "b")] == [True, False]
    assert (tmp_path / "b").read_text() == "behind" and len(list(tmp_path.iterdir())) == 2


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
