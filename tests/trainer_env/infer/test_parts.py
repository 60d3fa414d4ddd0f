"""Long texts in parts: where they are cut, what each part is prompted with, how waves are joined."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from data_prep.prompts import PromptMaker
from infer.bounds import bounds
from infer.decode import join
from infer.given_voice import _words, main, use_given
from infer.parts import Joined, Speaker, cut, parts_of
from infer.texts import read_sentences
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.faults import UserError
from speech.readings import written
from speech.voices import read_voices
from stages.config import compose_stage

LONG = "今天下雨。你好！明天是星期三。"


@pytest.mark.parametrize(
    ("text", "most", "least", "parts"),
    [
        ("今天下雨。你好！明天是星期三。", 8, 0, ["今天下雨。你好！", "明天是星期三。"]),
        ("今天下雨。你好！明天是星期三。", 99, 0, ["今天下雨。你好！明天是星期三。"]),
        ("他说：“走吧。”我不去。好。", 8, 3, ["他说：“走吧。”", "我不去。好。"]),
        ("好，不好，很好，都好。", 6, 0, ["好，不好，", "很好，都好。"]),  # no sentence end within reach: commas
        ("一句没有标点的长话", 4, 0, ["一句没有标点的长话"]),
        ("It costs 3.50 euros. Mr. X... pays!", 22, 0, ["It costs 3.50 euros. ", "Mr. X... pays!"]),
        ("你好。再见", 3, 5, ["你好。再见"]),  # the rest is too short to stand alone
        ("……。你好", 4, 0, ["……。", "你好"]),
    ],
)
def test_a_text_is_cut_where_a_speaker_breathes(text, most, least, parts):
    found = cut(text, len, most, least, "en" if text.isascii() else "zh")
    assert found == parts and "".join(found) == text


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        (
            "de",
            "Es war am 3. Oktober. Er wohnt im 2. Stock. Dann kam z. B. Dr. Meier. Gut.",
            ["Es war am 3. Oktober. ", "Er wohnt im 2. Stock. ", "Dann kam z. B. Dr. Meier. ", "Gut."],
        ),
        ("en", "She met Dr. Smith. J. R. Ewing came to No. 5.", ["She met Dr. Smith. ", "J. R. Ewing came to No. 5."]),
        ("fr", "Hier M. Dupont est venu. Puis il est parti.", ["Hier M. Dupont est venu. ", "Puis il est parti."]),
        ("ru", "Он жил в г. Москве. Потом на ул. Ленина.", ["Он жил в г. Москве. ", "Потом на ул. Ленина."]),
        ("zh", "他问过我们的Dr. Smith。今天是2008年8月8日。", ["他问过我们的Dr. Smith。", "今天是2008年8月8日。"]),
        ("hi", "यह पहला वाक्य है। यह दूसरा है।॥", ["यह पहला वाक्य है। ", "यह दूसरा है।॥"]),
        ("ar", "كيف حالك؟ أنا بخير، شكرا جزيلا لك.", ["كيف حالك؟ ", "أنا بخير، ", "شكرا جزيلا لك."]),
        ("ur", "یہ پہلا جملہ ہے۔ یہ دوسرا ہے۔", ["یہ پہلا جملہ ہے۔ ", "یہ دوسرا ہے۔"]),
        ("th", "วันนี้อากาศดีมาก เราไปตลาดกัน", ["วันนี้อากาศดีมาก ", "เราไปตลาดกัน"]),
        ("km", "ខ្ញុំទៅផ្សារ។ ខ្ញុំទិញ បន្លែ។", ["ខ្ញុំទៅផ្សារ។ ", "ខ្ញុំទិញ បន្លែ។"]),
    ],
)
def test_parts_are_read_as_the_whole_is_in_every_language(language, text, parts):
    """At 504d2c94 "am 3. | Oktober" was read "am drei. Oktober", and Hindi, Arabic, Urdu and Thai were one part."""
    found = cut(text, len, 3 * len(text) // 5 if len(parts) == 2 else 15, 0, language)
    assert found == parts
    assert "".join(written(part, language) for part in found) == written(text, language)


class Answers:
    """Stands where the model is: keeps the prompts it is given, says three tokens of its own for each part."""

    def __init__(self, tokenizer):
        self.tokenizer, self.prompts, self.lengths, self.count, self.places = tokenizer, [], [], 0, []

    def generate(self, prompts, decoding, *, text_tokens, places):
        assert decoding.samples == 1
        self.places += places
        self.prompts += [self.tokenizer.decode(prompt) for prompt in prompts]
        self.lengths += text_tokens
        answers = []
        for _ in prompts:
            names = [f"<|s_{self.count + n}|>" for n in range(3)]
            answers.append([(self.tokenizer.convert_tokens_to_ids(names), True)])
            self.count += 3
        return answers


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts") / "tokenizer"
    build_tokenizer([LONG, "早上好。"], 64, folder)
    return AutoTokenizer.from_pretrained(folder)


def speak(tokenizer, tmp_path: Path, samples: int = 1, *overrides: str, voice: bool = True):
    told = ["text='" + LONG + "'", "recipe.text_normalisation=none", *overrides]
    told += ["recipe.parts={token_max_n: 8, merge_len: 0, prompt_tokens: 750, crossfade_s: 0.02}"]
    if voice:
        row = {"name": "ana", "text": "早上好。", "speech_tokens": [60, 61]}
        (tmp_path / "voices.jsonl").write_text(json.dumps(row) + "\n")
        told += [f"recipe.voices={tmp_path}/voices.jsonl", "voice=ana"]
        told += ["recipe.prompt_template=data_prep.prompt_template.zero_shot"]
    cfg = compose_stage("tiny_mandarin", "infer", tuple(told))
    maker, model = PromptMaker(cfg.recipe), Answers(tokenizer)
    speaker = Speaker(maker, tokenizer, model.generate, cfg.parts)
    return model, speaker.speak(read_sentences(cfg, maker), OmegaConf.create({"samples": samples}))


def test_a_part_goes_on_from_the_voice_and_what_was_said(tokenizer, tmp_path):
    model, (((ids, finished),),) = speak(tokenizer, tmp_path)
    turn = "<|im_start|>user\n{}<|im_end|>\n"
    speech = "<|im_start|>assistant\n<|SPEECH_GENERATION_START|>"
    first, second = (prompt.replace(" ", "") for prompt in model.prompts)
    assert turn.format("早上好。").replace(" ", "") + turn.format("今天下雨。你好！") in first
    assert first.count("<|s_") == 2 and speech + "<|s_60|><|s_61|>" in first
    assert turn.format("早上好。今天下雨。你好！") + turn.format("明天是星期三。") in second
    assert speech + "<|s_60|><|s_61|><|s_0|><|s_1|><|s_2|>" in second
    assert isinstance(ids, Joined) and parts_of(ids, tokenizer) == [3, 3] and finished
    assert model.lengths == [8, 7]  # a token for each character


@pytest.fixture(scope="module")
def characters(tmp_path_factory):
    """A token for each character, and for the phonemes of 银行."""
    folder = tmp_path_factory.mktemp("characters") / "tokenizer"
    build_tokenizer(["早好甲乙银行。 "], 64, folder)
    words = AutoTokenizer.from_pretrained(folder)
    words.add_tokens(["<|IN2|>", "<|H|>", "<|ANG2|>"])
    return words


def asked(recipe: str, tmp_path: Path, text: str, *told: str):
    """(configuration, prompts of the recipe) with a voice that says 早。 in the speech tokens 7 and 8."""
    row = {"name": "ana", "text": "早。", "speech_tokens": [7, 8]}
    (tmp_path / "voices.jsonl").write_text(json.dumps(row) + "\n")
    told += (f"text='{text}'", f"recipe.voices={tmp_path}/voices.jsonl", "voice=ana")
    cfg = compose_stage(recipe, "infer", told)
    return cfg, PromptMaker(cfg.recipe)


@pytest.mark.parametrize(
    ("recipe", "turns", "speech"),
    [
        ("cosyvoice2", ["早。", "乙。"], "<|s_7|><|s_8|>"),  # its package speaks every part after the voice alone
        ("cosyvoice3", ["早。", "乙。"], "<|s_7|><|s_8|>"),
        # glmtts_inference.py: ids of the words and a space, of each earlier part as it was read, of the text
        ("glm_tts", ["早。 ", "甲。", "乙。"], "<|s_7|><|s_8|><|s_0|><|s_1|><|s_2|>"),
    ],
)
def test_a_second_part_is_prompted_as_by_the_familys_package(characters, tmp_path, recipe, turns, speech):
    cfg, maker = asked(recipe, tmp_path, "甲。乙。", "recipe.parts.token_max_n=2", "recipe.parts.merge_len=0")
    model, prompts = Answers(characters), []
    ids = maker.ids
    maker.ids = lambda messages, tokenizer: prompts.append(messages) or ids(messages, tokenizer)
    Speaker(maker, characters, model.generate, cfg.parts).speak(
        read_sentences(cfg, maker), OmegaConf.create({"samples": 1})
    )
    assert [turn["content"] for turn in prompts[-1]] == [*turns, speech]
    assert [turn["role"] for turn in prompts[-1]] == ["user"] * len(turns) + ["assistant"]


@pytest.mark.parametrize(
    ("recipe", "text", "read", "least_and_most"),
    [
        ("glm_tts", "好", "好。", (4, 40)),  # llm/glmtts.py counts the normalised text
        ("glm_tts", "银行", "<|IN2|><|H|><|ANG2|>。", (8, 80)),  # and its phonemes
        ("cosyvoice2", "好", "好", (2, 20)),
    ],
)
def test_answers_are_bound_by_the_tokens_that_the_model_reads(characters, tmp_path, recipe, text, read, least_and_most):
    cfg, maker = asked(recipe, tmp_path, text)
    (sentence,) = read_sentences(cfg, maker)
    assert maker.as_read(sentence.request, sentence.messages) == read
    model = Answers(characters)
    Speaker(maker, characters, model.generate, cfg.parts).speak([sentence], OmegaConf.create({"samples": 1}))
    assert bounds(cfg.decodings.speech, model.lengths, 1, 100) == [least_and_most]


def test_without_a_length_a_text_is_one_part(characters, tmp_path):
    cfg, maker = asked("glm_tts", tmp_path, "好。" * 100)
    (sentence,) = read_sentences(cfg, maker)
    assert Speaker(maker, characters, Answers(characters).generate, None).requests(sentence) == [sentence.request]


def test_earlier_parts_that_do_not_fit_are_left_out(tokenizer, tmp_path):
    model, _ = speak(tokenizer, tmp_path, 1, "recipe.max_prompt_tokens=34")
    assert "<|s_60|>" in model.prompts[1] and "<|s_0|>" not in model.prompts[1]


def test_a_model_with_one_voice_speaks_each_part_afresh(tokenizer, tmp_path):
    model, (((ids, _),),) = speak(tokenizer, tmp_path, voice=False)
    assert len(model.prompts) == 2 and "<|s_" not in model.prompts[1] and ids.cuts == [3, 3]


def test_each_sample_of_a_text_goes_on_from_itself(tokenizer, tmp_path):
    model, ((one, two),) = speak(tokenizer, tmp_path, 2)
    assert len(model.prompts) == 4
    assert "<|s_0|>" in model.prompts[2] and "<|s_3|>" in model.prompts[3] and "<|s_0|>" not in model.prompts[3]
    assert one[0] != two[0]


def test_each_part_is_seeded_by_a_place_that_no_share_of_the_texts_changes(tokenizer, tmp_path):
    """At b75001f0 a second part had the first one's seed, and two processes had others than one."""
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in (LONG, "你好！", LONG)))
    own = ("recipe.text_normalisation=none", "recipe.parts={token_max_n: 8, merge_len: 0}")
    cfg = compose_stage("tiny_mandarin", "infer", (f"texts={tmp_path}/t.jsonl", *own))
    maker = PromptMaker(cfg.recipe)

    def places(*which: int) -> list[int]:
        model, every = Answers(tokenizer), read_sentences(cfg, maker)
        speaker = Speaker(maker, tokenizer, model.generate, cfg.parts)
        speaker.speak([every[number] for number in which], OmegaConf.create({"samples": 2}), which)
        return model.places

    first, second = [0, 1, 2, 3, 4, 5], [15_485_863 + place for place in (0, 1, 4, 5)]  # text 1 has one part
    assert places(0, 1, 2) == first + second
    assert sorted(places(0, 2) + places(1)) == first + second


def test_waves_are_joined_without_a_step():
    rate, time = 1000, np.arange(500) / 1000
    loud = np.sin(2 * np.pi * 4 * time + 1).astype(np.float32)
    joined = join([loud, -loud, loud], rate, 0.02)
    assert joined.dtype == np.float32 and len(joined) == 1500 - 2 * 20
    steps = np.abs(np.diff(joined))
    assert steps.max() < 0.15 < np.abs(np.diff(np.concatenate([loud, -loud, loud]))).max()
    assert np.array_equal(joined[:480], loud[:480]) and np.array_equal(joined[-480:], loud[-480:])
    assert len(join([], rate, 0.02)) == 0 and np.array_equal(join([loud], rate, 0.02), loud)


def test_a_recording_needs_its_words_and_a_recipe_with_voices():
    def given(recipe: str, *told: str):
        cfg = compose_stage(recipe, "infer", told).copy()
        use_given(cfg)
        return cfg

    wav = "voice_wav=me.wav"
    with pytest.raises(ValueError, match=r'voice_wav=me\.wav: and voice_text="what is said in it"'):
        given("llasa", wav)
    with pytest.raises(ValueError, match="voice_text=hi: and voice_wav=FILE"):
        given("llasa", "voice_text=hi")
    assert given("cosyvoice2", wav).voice == "given"  # of the flow alone
    assert given("llasa", wav, "voice_text=auto").voice == "given"
    with pytest.raises(ValueError, match="tiny_mandarin has a voice of its own and speaks with no other"):
        given("tiny_mandarin", wav, "voice_text=hi")
    with pytest.raises(ValueError, match=r"voice=ana and voice_wav=me\.wav: one of them"):
        given("cosyvoice2", wav, "voice_text=hi", "voice=ana")
    for recipe in ("cosyvoice2", "cosyvoice3", "glm_tts", "llasa", "inworld_tts"):
        cfg = given(recipe, wav, "voice_text=hi")
        assert cfg.voice == "given" and cfg.recipe.voices == f"exp/{recipe}/speech/given_voice.jsonl"
        assert cfg.token2wav.voices == cfg.recipe.voices and cfg.voices.encoder._target_.startswith("models.")


def test_rows_of_a_file_keep_their_voices_beside_a_recording(tmp_path):
    """At 4a1ecbbf `texts=FILE voice_wav=me.wav` said of a row's own voice that there is none but `given`."""
    soundfile.write(tmp_path / "me.wav", np.ones(16_000, np.float32) / 2, 16_000)
    (tmp_path / "my").mkdir()
    rows = [
        {"name": "ana", "text": "Yes.", "speech_tokens": [1, 2], "wav": "ana.wav"},
        {"name": "given", "text": "No."},
    ]
    (tmp_path / "my/voices.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = [f"recipe.voices={tmp_path}/my/voices.jsonl", f"voice_file={tmp_path}/made/voice.jsonl", "voice_text=Oh."]
    own += [f"voice_wav={tmp_path}/me.wav"]
    for texts, names in ((f"texts={tmp_path}/t.jsonl", ["given", "ana"]), ("texts=null", ["given"])):
        cfg = compose_stage("llasa", "infer", (*own, texts)).copy()
        cfg.voices.encoder = {"_target_": "tests.helpers.small_encoder.LoudnessEncoder"}
        main.__wrapped__(cfg)
        found = read_voices(f"{tmp_path}/made/voice.jsonl")
        assert [*found] == names and found["given"].text == "Oh." and len(found["given"].speech_tokens) == 25
        if texts != "texts=null":
            assert found["ana"].speech_tokens == (1, 2)
            assert Path(found["ana"].wav).resolve() == (tmp_path / "my/ana.wav").resolve()


def test_the_words_of_a_recording_are_what_is_heard_if_nobody_says_them(tmp_path, capsys):
    soundfile.write(tmp_path / "me.wav", np.ones(8_000, np.float32) / 2, 16_000)
    ear = "voices.asr={_target_: tests.helpers.small_encoder.SaysByLength, said: {5: 'good evening', 6: ''}}"
    cfg = compose_stage("llasa", "infer", (ear, "voice_text=auto", "language=en"))
    said = {"text": "good evening", "language": "en", "transcribed": True}
    assert _words(cfg, tmp_path / "me.wav") == said and "me.wav: good evening" in capsys.readouterr().out
    soundfile.write(tmp_path / "me.wav", np.ones(9_600, np.float32) / 2, 16_000)
    with pytest.raises(UserError, match=r"voice_text=auto: nothing is heard in .*me\.wav: name its words"):
        _words(cfg, tmp_path / "me.wav")
