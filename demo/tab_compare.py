"""Tab Compare: the evaluation's sentences by both systems, to filter, sort and hear."""

import gradio as gr
from omegaconf import DictConfig, OmegaConf

from demo.runs import KINDS, ORDERS, compared, spoken_tokens
from demo.show import heard, picture, played, told, worth
from demo.studio import Said, Studio, StudioError


class CompareTab:
    """Args: the composed configuration of stage demo, and its studio."""

    def __init__(self, cfg: DictConfig, studio: Studio):
        self.cfg, self.studio = cfg, studio
        self.pair = (cfg.compare.baseline, cfg.compare.candidate)
        self.reward = OmegaConf.to_container(cfg.recipe.reward, resolve=True)

    def table(self, decoding: str, order: str, kind: str) -> tuple[list[list], str]:
        """Rows of the table, and a line about them."""
        if order not in ORDERS or kind not in ("any", *KINDS, "none"):
            raise StudioError(f"orders are {', '.join(ORDERS)}; kinds any, {', '.join(KINDS)}, none")
        found = compared(self.cfg.eval_dir, decoding, *self.pair, order)
        chosen = [one for one in found if one.has(kind)]
        rows = [
            [one.index, f"{one.gain:+.3f}", one.text, one.baseline["transcript"], one.candidate["transcript"]]
            for one in chosen[: self.cfg.demo.rows]
        ]
        if not found:
            how_to = f"`bash run.sh --recipe {self.cfg.recipe.name} eval`"
            both = f"{' and '.join(self.pair)} ({decoding})"
            return [], f"No sentence of {both} in {self.cfg.eval_dir}/utterances.jsonl yet: {how_to} makes it."
        better, worse = (sum(sign * one.gain > 0 for one in chosen) for sign in (1, -1))
        return rows, (
            f"{len(chosen)} of {len(found)} sentences; {self.pair[1]} is better in {better}, worse in {worse}, equal "
            f"in {len(chosen) - better - worse}. Click one to hear both."
        )

    def hear(self, decoding: str, index: float | None) -> list:
        """Both systems' speech, for their players and for `judged`."""
        found = []
        for name in self.pair:
            spoken = spoken_tokens(self.cfg.eval_dir, name, decoding, self.cfg.recipe.language)
            if index is None or int(index) not in spoken:
                raise StudioError(f"sentence {index} was not spoken by {name} ({decoding})")
            found.append(self.studio.said(spoken[int(index)]))
        return [*map(played, found), found]

    def judged(self, said: list[Said] | None) -> list:
        """Pictures and facts of both systems."""
        speeches = [self.studio.judge(one) for one in said or []]
        drawn = [picture(speech, self.cfg.prosody) for speech in speeches]
        return [*drawn, *(heard(speech) + worth(speech, self.reward) for speech in speeches)]

    def build(self) -> None:
        """Into the tab that is open."""
        with gr.Row():
            decoding = gr.Dropdown(list(self.cfg.eval_decodings), label="Decoding")
            order = gr.Dropdown(list(ORDERS), label="Sorted by", elem_id="order")
            kind = gr.Dropdown(["any", *KINDS, "none"], value="any", label="Only sentences with", elem_id="kind")
        line = gr.Markdown(elem_id="compare-line")
        headers = ["number", "gain", "asked", *(f"heard of {name}" for name in self.pair)]
        table = gr.Dataframe(
            headers=headers,
            datatype=["number", "str", "str", "str", "str"],
            interactive=False,
            wrap=True,
            max_height=330,
            column_widths=["80px", "80px", "28%", "28%", "28%"],
            elem_id="compared",
            show_label=False,
        )
        index = gr.Number(precision=0, visible=False)
        players, drawn, said = [], [], []
        with gr.Row():
            for name in self.pair:
                with gr.Column(min_width=420):
                    players.append(
                        gr.Audio(label=name, interactive=False, buttons=["download"], elem_id=f"compare-{name}")
                    )
                    drawn.append(gr.Image(show_label=False, interactive=False, buttons=[], format="jpeg"))
                    said.append(gr.HTML())
        shown = [decoding, order, kind]
        gr.on([one.change for one in shown], told(self.table), shown, [table, line], api_name="compared")
        self.refresh = [(told(self.table), shown, [table, line])]

        def chosen(event: gr.SelectData) -> float:
            return event.row_value[0]

        clicked = table.select(chosen, None, index, show_progress="hidden", api_visibility="private")
        both = gr.State(None)
        first = clicked.then(
            told(self.hear), [decoding, index], [*players, both], api_name="hear", show_progress_on=players
        )
        first.success(told(self.judged), both, [*drawn, *said], api_name="judged_both", show_progress_on=drawn)
