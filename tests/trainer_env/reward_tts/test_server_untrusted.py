"""What a client sends to the real server is data: nothing of it is unpickled, and no path in it is opened."""

import os
import pickle
from pathlib import Path

from reward_tts.measures import Status
from tests.helpers.server_client import raw_answer


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_nothing_from_a_client_is_unpickled(reward_server, spoken, tmp_path):
    made = tmp_path / "made"
    pickle.loads(pickle.dumps(Evil(made), protocol=0))
    assert made.exists()  # so it would be
    made.unlink()
    payload, tokens = pickle.dumps(Evil(made), protocol=0), spoken[0][0]  # protocol 0 is ASCII: no bad UTF-8
    for where in ({"text": payload}, {"VOICE": payload}, {"LANGUAGE": payload}):
        raw_answer(reward_server, tokens, len(tokens), **{"text": spoken[0][1].encode(), **where})
    assert not made.exists()


def test_no_path_from_a_client_is_opened(reward_server, spoken, tmp_path):
    """A voice, language or text that is the path of a file is a name like any other; reading the pipe would hang."""
    tokens, text = spoken[0]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    name = str(pipe).encode()
    answers = [
        raw_answer(reward_server, tokens, len(tokens), text.encode(), VOICE=name),
        raw_answer(reward_server, tokens, len(tokens), text.encode(), LANGUAGE=name),
    ]
    assert [a["STATUS"] for a in answers] == [Status.FAILED] * 2
    assert f"got voice ['{pipe}']" in answers[0]["MEASURES"]["message"]
    assert f"does not know the language ['{pipe}']" in answers[1]["MEASURES"]["message"]
