"""Tab Speak: any text by any model of the run, with what both ASRs heard and what the reward says."""

from typing import Any

import gradio as gr
from omegaconf import DictConfig, OmegaConf

from demo.show import heard, picture, played, told, worth
from demo.studio import Said, Studio, StudioError
from demo.voices import heard_words, new_voice, takes_voices
from speech.templates import takes_unprompted

OWN = "as the recipe chooses"


class SpeakTab:
    """Args: the composed configuration of stage demo, and its studio."""

    def __init__(self, cfg: DictConfig, studio: Studio):
        self.cfg, self.studio = cfg, studio
        self.reward = OmegaConf.to_container(cfg.recipe.reward, resolve=True)

    def speak(
        self,
        text: str,
        model: str,
        decoding: str,
        voice: str,
        seed: float,
        best_of: float,
        how: str = "",
        language: str | None = None,
    ) -> tuple:
        """For the player and `judged`: sound comes first, what is thought of it a second later."""
        own, how = None if voice in (OWN, None) else voice, how.strip() or None
        said = self.studio.say(text, model, decoding, own, int(seed or 0), int(best_of or 1), how, language)
        return played(said), said

    def judged(self, said: Said | None) -> tuple:
        """What was heard, the picture, and the reward."""
        if said is None:
            raise StudioError("nothing was said yet")
        speech = self.studio.judge(said)
        return heard(speech), picture(speech, self.cfg.prosody), worth(speech, self.reward)

    def voices(self) -> list[str]:
        return [OWN, *sorted(self.studio.prompts.voices)]

    def known_voices(self) -> Any:
        """The dropdown of voices: one that was added is there after a reload, too, and for others."""
        return gr.Dropdown(choices=self.voices())

    def add_voice(self, recording: str | None, words: str, language: str | None = None) -> Any:
        """The dropdown of voices with the new one chosen."""
        name = new_voice(self.cfg, self.studio, recording, words, language)
        return gr.Dropdown(choices=self.voices(), value=name)

    def words(self, recording: str | None, language: str | None = None) -> str:
        """What is heard in the recording, for the field that says its words."""
        return heard_words(self.cfg, self.studio, recording, language)

    def models(self) -> Any:
        """The dropdown of models: training makes more of them while the page is open."""
        return gr.Dropdown(choices=self.studio.checkpoints.names())

    def build(self) -> None:
        """Into the tab that is open."""
        cfg, names = self.cfg, self.studio.checkpoints.names()
        several, chooses = bool(self.studio.prompts.voices) or takes_voices(cfg), self.studio.chooses
        languages = self.studio.prompts.languages
        unprompted = " (or nothing: then it is in no prompt)" if takes_unprompted(cfg.recipe.prompt_template) else ""
        merged = [name for name in names if name in cfg.systems]
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                text = gr.Textbox(cfg.text, label="Text", lines=3, max_length=cfg.recipe.max_text_chars, elem_id="text")
                with gr.Row():
                    model = gr.Dropdown(names, value=merged[-1] if merged else None, label="Model", elem_id="model")
                    decoding = gr.Dropdown(list(self.studio.decodings), label="Decoding", elem_id="decoding")
                language = gr.Dropdown(
                    languages, value=cfg.recipe.language, label="Language", visible=len(languages) > 1
                )
                how = gr.Textbox("", label="Instruction", visible=self.studio.prompts.takes_instructions, max_lines=2)
                voice = gr.Dropdown(self.voices(), value=cfg.voice or OWN, label="Voice", visible=several)
                with gr.Row():
                    seed = gr.Number(cfg.recipe.seed, label="Seed", precision=0, minimum=0)
                    most = cfg.demo.most_samples if chooses else 1
                    label = "Best of N, chosen by the token ear"
                    best_of = gr.Slider(1, max(2, most), 1, step=1, label=label, visible=chooses)
                button = gr.Button("Speak", variant="primary", elem_id="speak")
                value = gr.HTML(elem_id="worth")
                with gr.Accordion("A voice of your own", open=False, visible=takes_voices(cfg)):
                    recording = gr.Audio(
                        type="filepath", sources=["upload", "microphone"], label="Recording", elem_id="recording"
                    )
                    words = gr.Textbox(
                        label="What is said in it" + unprompted, max_length=cfg.recipe.max_text_chars, elem_id="words"
                    )
                    said_in = gr.Dropdown(
                        languages, value=cfg.recipe.language, label="In this language", visible=len(languages) > 1
                    )
                    listen = gr.Button("Fill in what is heard", elem_id="listen")
                    add = gr.Button("Add this voice", elem_id="add-voice")
            with gr.Column(scale=3, min_width=420):
                player = gr.Audio(
                    label="Speech", autoplay=True, interactive=False, buttons=["download"], elem_id="player"
                )
                drawn = gr.Image(show_label=False, interactive=False, elem_id="picture", buttons=[], format="jpeg")
                said = gr.HTML(elem_id="heard")
        inputs, spoken = [text, model, decoding, voice, seed, best_of, how, language], gr.State(None)
        first = gr.on(
            [button.click, text.submit],
            told(self.speak),
            inputs,
            [player, spoken],
            api_name="speak",
            show_progress_on=player,
        )
        first.success(
            told(self.judged), spoken, [said, drawn, value], api_name="judged", show_progress_on=[drawn, said]
        )
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        model.focus(self.models, None, model, **quiet)
        if takes_voices(cfg):
            voice.focus(self.known_voices, None, voice, **quiet)
            listen.click(told(self.words), [recording, said_in], words, api_name="words")
            add.click(told(self.add_voice), [recording, words, said_in], voice, api_name="add_voice")
