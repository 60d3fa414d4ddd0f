"""What killed servers left behind, in a folder that several machines share."""

import os
import tempfile
from pathlib import Path

import pytest

from reward_tts.server.leftovers import check_room, new_workspace, remove_leftovers


def test_only_what_a_killed_server_of_this_machine_left_is_removed(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = new_workspace()
    pid, started, machine = own.name.split("_")
    assert int(pid) == os.getpid()
    killed = own.with_name(f"{pid}_{int(started) - 1}_{machine}")  # the pid is another process's by now
    elsewhere = own.with_name(f"{2**22 + 1}_17_0a0b0c0d")  # no such process here, and a server on its machine
    for folder in (killed, elsewhere):
        (folder / "0").mkdir(parents=True)
    remove_leftovers()
    assert sorted(own.parent.iterdir()) == sorted([own, elsewhere])
    assert capsys.readouterr().out == f"removing what the killed server {pid} left behind\n"


def test_a_temporary_folder_too_long_for_sockets_is_named_with_the_room_there_is(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="l") as short:  # in the real one
        monkeypatch.setattr(tempfile, "tempdir", short)
        room = 107 - len(str(new_workspace())) - 1
        check_room("s" * room)
        with pytest.raises(SystemExit, match=rf"of 108 bytes, as .*; 107 .*a folder of {len(short) - 1} at most"):
            check_room("s" * (room + 1))
