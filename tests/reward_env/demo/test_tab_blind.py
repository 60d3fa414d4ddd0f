"""Tab Blind test without a page or models: what a listener is shown, and which votes count."""

import html
import json

import numpy as np
import pytest

from demo.studio import Studio, StudioError
from demo.tab_blind import BlindTab
from reward_tts.server.pipeline import SpeechPipeline
from stages.config import compose_stage


class Ramps:
    """A token2wav: the tokens as samples. Of the voice "nobody" it knows nothing."""

    sample_rate, token_rate, codebook_size = 24000, 25.0, 100

    def decode(self, rows):
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
    studio.pipeline = SpeechPipeline(Ramps(), None, "tiny", max_tokens=5)
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
