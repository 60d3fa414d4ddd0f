"""Tab Blind test without a page or models: what a listener is shown, and which votes count."""

import html
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from demo.checkpoints import CheckpointError
from demo.page import build
from demo.remembering import Remembering
from demo.studio import Studio, StudioError
from demo.tab_blind import BlindTab
from reward_tts.server.pipeline import SpeechPipeline
from speech.faults import UserError
from speech.interfaces import Row
from stages.config import compose_stage


class Ramps:
    """A token2wav: the tokens as samples. Of the voice "nobody" it knows nothing."""

    sample_rate, token_rate, codebook_size = 24000, 25.0, 100

    def __init__(self):
        self.decoded = 0

    def decode(self, rows):
        self.decoded += len(rows)
        if any(row.voice == "nobody" for row in rows):
            raise ValueError("there is no voice 'nobody'")
        return [row.tokens.astype(np.float32) / 100 for row in rows]


@pytest.fixture
def tab(tmp_path) -> BlindTab:
    """Three texts by SFT and GRPO, and a studio without a language model or an ASR."""
    (tmp_path / "tokens").mkdir()
    for place, name in enumerate(("SFT", "GRPO")):
        write(tmp_path, name, [{"index": i, "text": f"第{i}", "tokens": [i + 1, 10 * (place + 1)]} for i in range(3)])
    own = (f"eval_dir={tmp_path}", f"demo.votes={tmp_path}/votes.jsonl")
    cfg = compose_stage("tiny_mandarin", "demo", own)
    studio = Studio(cfg, "")
    studio._pipeline = SpeechPipeline(Remembering(Ramps(), 3600), None, "tiny", max_tokens=5)
    return BlindTab(cfg, studio)


def write(folder, name, rows) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"tokens/{name}.sampled.jsonl").write_text("".join(lines), encoding="utf-8")


def change(folder, name, index, **values) -> None:
    """A row of the file of a system's speech."""
    path = folder / f"tokens/{name}.sampled.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    write(folder, name, [row | (values if row["index"] == index else {}) for row in rows])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"voice": "nobody"}, "there is no voice"),
        ({"tokens": [5] * 6}, "6 speech tokens, the server's max_tokens is 5"),
    ],
)
def test_a_pair_that_cannot_be_spoken_holds_nobody(tab, tmp_path, wrong, told):
    first, text, *_ = tab.next_pair("ann")
    for name in ("SFT", "GRPO"):
        change(tmp_path, name, first.number, **({"voice": "nobody"} if "voice" in wrong else {}))
    if "tokens" in wrong:
        change(tmp_path, first.right, first.number, **wrong)
    second, other, key, *waves, done = tab.next_pair("ann")
    assert other != text and all(len(wave) == 2 for _, wave in waves)
    assert done.startswith("0 of 3 pairs judged by ann; 1 passed over (what the model said cannot be spoken: ")
    assert html.escape(told) in done
    third, *_ = tab.vote("ann", second, key, "A")
    state, words, *_ = tab.vote("ann", third, third.key, "B")
    assert state is None and words.startswith("1 pairs are left that cannot be heard: what the model said cannot be")


def test_a_missing_file_is_named_and_what_is_there(tab, tmp_path):
    tab.candidate = "GRPPO"
    with pytest.raises(StudioError) as error:
        tab.next_pair("ann")
    folder = tmp_path / "tokens"
    assert f"no GRPPO.sampled.jsonl in {folder}, where there is GRPO.sampled.jsonl, SFT.sampled.jsonl. " in str(
        error.value
    )
    tab.candidate = "GRPO"
    for index in range(3):
        change(tmp_path, "GRPO", index, text="another")
    with pytest.raises(
        StudioError, match=r"no text that SFT\.sampled\.jsonl and GRPO\.sampled\.jsonl of .* were asked"
    ):
        tab.next_pair("ann")


def test_a_vote_on_a_pair_that_is_not_shown_any_more_is_not_cast(tab):
    """Of two keys pressed at once, the second is still of the pair that both were pressed on."""
    first, _, shown, *_ = tab.next_pair("ann")
    second, *_ = tab.vote("ann", first, shown, "A")
    with pytest.warns(UserWarning, match="this vote was not counted"):
        tab.vote("ann", second, shown, "same")
    assert [(vote["pair"], vote["vote"]) for vote in tab.ballot.votes()] == [(first.key, "A")]


def test_back_shows_what_was_judged_before_and_another_vote_replaces_it(tab):
    first, *_ = tab.next_pair("ann")
    with pytest.raises(StudioError, match="there is no pair before"):
        tab.back("ann", first)
    second, *_ = tab.vote("ann", first, first.key, "A")
    third, *_ = tab.vote("ann", second, second.key, "same")
    nothing, *_ = tab.vote("ann", third, third.key, "B")
    before, text, key, *_, done = tab.back("ann", nothing)
    assert before == third and (text, key) == (third.text, third.key) and done.endswith("; your vote on this one: B")
    assert tab.back("ann", tab.back("ann", third)[0])[0] == first
    after, *_ = tab.vote("ann", first, first.key, "B")
    assert after is None and {v["pair"]: v["vote"] for v in tab.ballot.votes()} == {
        first.key: "B",
        second.key: "same",
        third.key: "B",
    }


def test_listeners_wait_for_no_language_model_and_no_merge(tab, monkeypatch):
    studio, free = tab.studio, []

    def merging(name):
        free.append(not studio._lock.locked())
        raise CheckpointError(f"{name} could not be merged")

    monkeypatch.setattr(studio.checkpoints, "path", merging)
    with pytest.raises(StudioError, match="step 4 could not be merged"):
        studio.say("今天三点", "step 4", "sampled")
    assert free == [True]
    with ThreadPoolExecutor(1) as listener, studio._lock:  # as while a text is spoken or judged
        assert listener.submit(tab.next_pair, "ann").result(timeout=20)[0] is not None


def test_what_ten_listeners_hear_is_decoded_once(tab):
    for number in range(10):
        while (shown := tab.next_pair(f"listener {number}"))[0]:
            tab.vote(f"listener {number}", shown[0], shown[2], "A")
    assert tab.studio.pipeline.token2wav.decoded == 3 * 2


def test_no_more_sound_is_kept_than_asked_for():
    ramps = Ramps()
    kept, rows = Remembering(ramps, 5 / 24000), [Row(np.array([n, n]), None, "zh") for n in range(3)]  # 2 samples each
    for row in rows:
        kept.decode([row])
    kept.decode(rows[1:])
    assert ramps.decoded == 3
    kept.keep(rows[1], np.zeros(3, np.float32))  # joined of parts: it is the newest now
    kept.decode([rows[0]])
    assert len(kept.decode([rows[1]])[0]) == 3 and ramps.decoded == 4


def test_the_page_has_the_tabs_asked_for_alone_and_loads_no_more(tab):
    own = tab.cfg.copy()
    own.demo.tabs = ["blind"]
    page = build(own, tab.studio)
    named = set(page.get_api_info()["named_endpoints"])
    assert named == {"/next_pair", "/back", "/vote_a", "/vote_same", "/vote_b", "/result", "/export"}
    assert {"/speak", "/compared", "/rollouts", *named} <= build(tab.cfg, tab.studio).get_api_info()[
        "named_endpoints"
    ].keys()
    own.reward_server.token2wav = {"_target_": f"{__name__}.Ramps"}
    own.reward_server.asr = own.ear = {"_target_": "no.such.ASR"}
    listening = Studio(own, "")
    listening.warm()
    assert listening.pipeline.problem(np.array([99, 1])) == "" and listening.pipeline.asr is None
    own.demo.tabs = ["blind", "votes"]
    with pytest.raises(UserError, match="there are speak, compare, blind, training"):
        build(own, listening)
