"""Tab Blind test: which of two readings is better, without knowing whose they are."""

import html
import json
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from omegaconf import DictConfig

from demo.runs import spoken_tokens
from demo.show import played, told
from demo.studio import Studio, StudioError
from demo.votes import MOST_NEEDED, Ballot, Pair, order, preferences, result, unlike
from infer.records import Utterance

KEYS = """
<script>
document.addEventListener("keydown", (event) => {
  if (["INPUT", "TEXTAREA"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const id = {a: "vote-a", b: "vote-b", s: "vote-same"}[event.key.toLowerCase()];
  const play = {1: "blind-a", 2: "blind-b"}[event.key];
  const button = id ? document.getElementById(id)
    : play && document.querySelector(`#${play} .play-pause-button`);  // its label is in the browser's language
  if (button && button.offsetParent !== null && !event.repeat) { event.preventDefault(); button.click(); }
});
</script>
"""
LONGEST_NAME = 80


class BlindTab:
    """Args: the composed configuration of stage demo, and its studio."""

    def __init__(self, cfg: DictConfig, studio: Studio):
        self.cfg, self.studio, self.ballot = cfg, studio, Ballot(cfg.demo.votes)
        self.baseline, self.candidate = cfg.compare.baseline, cfg.compare.candidate

    def spoken(self) -> dict[str, dict[int, Utterance]]:
        """{system: its utterances}."""
        own = self.cfg
        return {
            name: spoken_tokens(own.eval_dir, name, own.demo.blind_decoding, own.recipe.language)
            for name in (self.baseline, self.candidate)
        }

    def next_pair(self, who: str) -> tuple:
        """State, the text, the pair's key, both players, and progress; pairs that cannot be spoken here are passed
        over."""
        spoken, _, left, done = self._pairs(who)
        refused = []
        for pair in left:
            try:
                shown = self._shown(pair, spoken)
            except StudioError as error:  # which this listener can do nothing about
                refused.append(html.escape(str(error)))
                continue
            return *shown, done + (f"; {len(refused)} passed over ({refused[0]})" if refused else "")
        over = f"{len(refused)} pairs are left that cannot be heard: {refused[0]}" if refused else ""
        return None, over or "All pairs are judged. Thank you.", "", None, None, done

    def back(self, who: str, pair: Pair | None) -> tuple:
        """As next_pair, of the pair that this listener judged before `pair`, which may be None: before the end. Another
        vote on it replaces theirs."""
        spoken, pairs, left, done = self._pairs(who)
        before = pairs[: pairs.index(pair)] if pair in pairs else pairs
        if not (judged := [one for one in before if one not in left]):
            raise StudioError("there is no pair before this one")
        (vote,) = (one["vote"] for one in self.ballot.votes({judged[-1].key}) if one["who"] == who.strip())
        return *self._shown(judged[-1], spoken), f"{done}; your vote on this one: {vote}"

    def _pairs(self, who: str) -> tuple[dict[str, dict[int, Utterance]], list[Pair], list[Pair], str]:
        """What both systems say, all pairs in this listener's order, those not judged yet, and progress."""
        who = who.strip()
        if not who or len(who) > LONGEST_NAME:
            raise StudioError("Your name first: votes are saved under it.")
        spoken = self.spoken()
        pairs = order(spoken, who, self.cfg.recipe.seed)
        if not pairs:
            raise StudioError(self._nothing())
        left = self.ballot.remaining(pairs, who)
        done = f"{len(pairs) - len(left)} of {len(pairs)} pairs judged by {html.escape(who)}"
        if others := len(unlike(spoken)):
            done += f"; {others} left out: {self.baseline} and {self.candidate} were not asked for the same there"
        return spoken, pairs, left, done

    def _shown(self, pair: Pair, spoken: dict[str, dict[int, Utterance]]) -> tuple:
        waves = [played(self.studio.said(spoken[name][pair.number])) for name in (pair.left, pair.right)]
        return pair, html.escape(pair.text), pair.key, *waves

    def _nothing(self) -> str:
        """Why there is no pair."""
        folder, decoding = Path(self.cfg.eval_dir, "tokens"), self.cfg.demo.blind_decoding
        there = sorted(path.name for path in folder.glob("*.jsonl"))
        asked = [f"{name}.{decoding}.jsonl" for name in (self.baseline, self.candidate)]
        if missing := [name for name in asked if name not in there]:
            return (
                f"Nothing to compare: no {' and no '.join(missing)} in {folder}, where there is "
                f"{', '.join(there) or 'none yet'}. compare.baseline, compare.candidate and demo.blind_decoding say "
                f"which; bash run.sh --recipe {self.cfg.recipe.name} eval speaks the texts."
            )
        return (
            f"Nothing to compare: no text that {' and '.join(asked)} of {folder} were asked alike and say differently."
        )

    def vote(self, who: str, pair: Pair | None, shown: str, choice: str) -> Any:
        """Saves it, then as next_pair. `shown`: key of the pair that the browser showed when the vote was cast; a vote
        that waited while another one brought the next pair is not of `pair`, and does not count."""
        if pair is None:
            raise StudioError("Press Begin first: there is no pair to judge.")
        if shown != pair.key:
            gr.Warning("You had voted on that pair already: this vote was not counted. Back shows the pair again.")
            return gr.skip()
        self.ballot.cast(who.strip(), pair, choice)
        return self.next_pair(who)

    def said(self) -> str:
        """What the votes of all listeners say so far, in words. Only when asked: to see it grow after a vote would tell
        whose speech that was."""
        keys = self._keys()
        r = result(self.ballot.votes(keys), self.candidate, self.cfg.demo.interval)
        judged = f"**Result so far** of {r.candidate + r.baseline + r.same} of {len(keys)} texts, {r.votes} votes"
        if r.share is None:
            return f"{judged}: none that prefers one."
        some = f"more than {MOST_NEEDED}" if r.needed is None else f"about {r.needed}"
        more = f"{some} more with a preference would decide it, if the share stays"
        if r.needed == 0:
            more = "the interval leaves one half out: decided"
        return (
            f"{judged}: most prefer {self.candidate} in {r.candidate}, {self.baseline} in {r.baseline}, neither in "
            f"{r.same}. {self.candidate} is preferred in {r.share:.0%} ({self.cfg.demo.interval:.0%} interval "
            f"{r.low:.0%} to {r.high:.0%}); {more}."
        )

    def _keys(self) -> set[str]:
        return {pair.key for pair in order(self.spoken(), "", 0)}

    def export(self) -> str:
        """Path of a JSONL of preferences, in a folder of its own that Gradio serves from."""
        rows = preferences(self.ballot.votes(self._keys()), self.spoken())
        if not rows:
            raise StudioError("There is no vote yet that prefers one.")
        path = Path(tempfile.mkdtemp(prefix="votes"), "preferences.jsonl")
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    def build(self) -> None:
        """Into the tab that is open."""
        gr.Markdown(
            "Two readings of one text, in random order and on a random side. Keys: **1** and **2** play, **A**, **B** "
            "and **S** (same) vote. Each vote is saved at once; come back under the same name to go on. **Back** shows "
            "a judged pair again: another vote replaces the first."
        )
        with gr.Row(equal_height=True):
            who = gr.Textbox(label="Your name", max_length=LONGEST_NAME, elem_id="who", scale=3)
            begin = gr.Button("Begin, or go on", variant="primary", elem_id="begin", scale=1)
        state, text = gr.State(None), gr.HTML(elem_id="pair")
        with gr.Row():
            players = [
                gr.Audio(label=s, interactive=False, buttons=[], elem_id=f"blind-{s.lower()}") for s in ("A", "B")
            ]
        with gr.Row():
            buttons = [(gr.Button(t, elem_id=f"vote-{t.lower()}", size="lg"), c) for t, c in _BUTTONS]
        done = gr.Markdown(elem_id="progress")
        again = gr.Button("Back to the pair before", size="sm", elem_id="back")
        shown = gr.Textbox(
            visible=False, label="key of the pair shown"
        )  # which the browser sends as it is at the click
        out = [state, text, shown, *players, done]
        # One after another, in the order of the clicks: each moves the listener's state.
        turn: dict[str, Any] = {"concurrency_id": "blind", "concurrency_limit": 1}
        begin.click(told(self.next_pair), who, out, api_name="next_pair", **turn)
        again.click(told(self.back), [who, state], out, api_name="back", **turn)
        for button, choice in buttons:
            vote = told(lambda name, pair, key, c=choice: self.vote(name, pair, key, c))
            name = f"vote_{choice.lower()}"
            button.click(vote, [who, state, shown], out, api_name=name, show_progress="minimal", **turn)
        with gr.Row():
            ask = gr.Button("Show the result of all listeners", size="sm", elem_id="result")
            export = gr.Button("Export all votes as preference data (JSONL)", size="sm", elem_id="export")
        said = gr.Markdown(elem_id="said")
        ask.click(told(self.said), None, said, api_name="result")
        file = gr.File(show_label=False, interactive=False, visible=False, elem_id="preferences")
        export.click(told(self.export), None, file, api_name="export").success(_shown, None, file, **_QUIET)
        begin.click(None, who, None, js="(who) => { localStorage.setItem('verl-tts-listener', who); }")
        self.load = {"fn": None, "outputs": who, "js": "() => localStorage.getItem('verl-tts-listener') ?? ''"}


_BUTTONS = (("A", "A"), ("Same", "same"), ("B", "B"))
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def _shown() -> Any:
    return gr.File(visible=True)
