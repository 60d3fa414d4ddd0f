"""No output over an input, and several files that get their names together or not at all."""

import pytest

from speech.files import whole_files
from speech.paths import check_outputs


def test_outputs_of_their_own_are_no_fault(tmp_path):
    check_outputs({"texts": tmp_path / "a", "voices": None}, {"rows": tmp_path / "b", "rejects": None})


@pytest.mark.parametrize("name", ["a", "x/../a", "symbolic", "hard"])
def test_an_output_that_is_an_input_by_another_name_is_refused(tmp_path, name):
    (tmp_path / "x").mkdir()
    (tmp_path / "a").write_text("mine")
    (tmp_path / "symbolic").symlink_to("a")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^texts=.*/a is read and would be written as rows=.*: name another path$"):
        check_outputs({"texts": tmp_path / "a"}, {"rows": tmp_path / name})


def test_two_outputs_on_one_path_are_refused_before_either_is_there(tmp_path):
    with pytest.raises(
        ValueError, match=r"^rows=.*/a and this one would be written as rejects=.*/a: name another path$"
    ):
        check_outputs({}, {"rows": tmp_path / "a", "rejects": f"{tmp_path}/./a"})


def test_an_output_that_is_a_directory_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^rows=.* is a directory, and would be written as a file$"):
        check_outputs({}, {"rows": tmp_path})


def test_where_one_of_several_cannot_get_its_name_the_others_are_what_they_were(tmp_path):
    old, new, folder = (tmp_path / name for name in ("old", "new", "folder"))
    old.write_text("before")
    with pytest.raises(IsADirectoryError), whole_files([old, new, folder]) as temporaries:
        for temporary in temporaries:
            temporary.write_text("after")
        folder.mkdir()
    assert old.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "old"]


def test_several_files_get_their_names_and_nothing_else_is_left(tmp_path):
    (tmp_path / "a").write_text("before")
    with whole_files([tmp_path / "a", tmp_path / "sub/b"]) as temporaries:
        for temporary in temporaries:
            temporary.write_text("after")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["a", "sub", "sub/b"]
    assert (tmp_path / "a").read_text() == (tmp_path / "sub/b").read_text() == "after"
