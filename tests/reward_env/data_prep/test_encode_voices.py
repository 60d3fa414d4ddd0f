"""A user's recordings -> voices: the recipes' command, the real encoders with small weights, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from data_prep.encode_voices import encoded, main
from models.cosyvoice.encoder import CosyVoiceEncoder
from models.cosyvoice.prompt_features import PromptReader
from models.cosyvoice.release import read_config
from models.llasa.prompt import understanding
from models.xcodec2.encoder import XCodec2Encoder
from models.xcodec2.token2wav import XCodec2Token2Wav
from speech.interfaces import Row
from speech.jsonl import BadRows
from speech.voices import read_voices
from stages.config import compose_stage
from tests.helpers.cosyvoice_release import (
    CODEBOOK,
    SMALL,
    write_decoder,
    write_speaker_encoder,
    write_speech_tokenizer,
)
from tests.helpers.small_encoder import SaysByLength
from tests.helpers.xcodec2_dir import write_codec, write_semantic

ROOT = Path(__file__).resolve().parents[3]


def record(path: Path, seconds: float, rate: int = 16000, channels: int = 1) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(scale=0.05, size=len(time))
    wave = (0.4 * np.sin(2 * np.pi * 180 * time) + noise).astype(np.float32)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, subtype="FLOAT")
    return wave


def write(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def xcodec2(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("xcodec2")
    return write_codec(folder / "model"), write_semantic(folder / "w2v-bert", layers=2)


def settings(xcodec2: tuple[Path, Path], source: Path, output: Path) -> dict:
    encoder = {"_target_": "models.xcodec2.encoder.XCodec2Encoder", "model_dir": str(xcodec2[0])}
    encoder |= {"semantic_dir": str(xcodec2[1]), "semantic_layer": 2}
    return {"input": str(source), "output": str(output), "max_seconds": 30, "encoder": encoder}


@pytest.mark.parametrize("recipe", ["llasa", "inworld_tts"])
def test_the_recipes_command_makes_a_voice_that_prompt_and_decoder_take(xcodec2, tmp_path, recipe):
    wave = record(tmp_path / "anna.wav", 0.5)
    source = write(tmp_path / "recordings.jsonl", {"name": "anna", "text": "Good evening.", "wav": "anna.wav"})
    output = tmp_path / "made" / "voices.jsonl"
    own = [f"voices.input={source}", f"voices.output={output}", "voices.encoder.semantic_layer=2"]
    own += [f"recipe.token2wav_dir={xcodec2[0]}", f"recipe.semantic_dir={xcodec2[1]}"]
    if recipe == "llasa":
        command = [sys.executable, "-m", "data_prep.encode_voices", "--config-path", str(ROOT / "recipes" / recipe)]
        done = subprocess.run([*command, "--config-name", "data", *own], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:  # the same command for both: one process that imports for 6 s will do
        main.__wrapped__(compose_stage(recipe, "data", tuple(own)))
    anna = read_voices(str(output))["anna"]
    expected = XCodec2Encoder(str(xcodec2[0]), str(xcodec2[1]), semantic_layer=2).encode([wave])[0].tolist()
    assert len(expected) == 26 and list(anna.speech_tokens) == expected
    assert Path(anna.wav).samefile(tmp_path / "anna.wav") and anna.text == "Good evening."
    assert understanding("Hello.", voice=anna)[-1]["content"].endswith(f"<|s_{expected[-1]}|>")
    spoken = XCodec2Token2Wav(str(xcodec2[0]), voices=str(output))
    (said,) = spoken.decode([Row(np.arange(10, dtype=np.int32), "anna", "en")])
    assert said.shape == (10 * 320,)


def test_cosyvoices_encoder_gives_the_tokens_of_its_prompts(tmp_path):
    write_decoder(tmp_path, SMALL["cosyvoice2"])
    write_speaker_encoder(tmp_path)
    write_speech_tokenizer(tmp_path, CODEBOOK)
    record(tmp_path / "a.wav", 1.03, rate=22050)
    source = write(tmp_path / "recordings.jsonl", {"name": "a", "text": "今天", "wav": "a.wav"})
    (voice,) = read_voices(str(source)).values()
    reader = PromptReader(tmp_path, "speech_tokenizer_v2.onnx", read_config(tmp_path)["feat_extractor"], 2)
    encoder = {"_target_": "models.cosyvoice.encoder.CosyVoiceEncoder", "release": str(tmp_path)}
    cfg = {"input": str(source), "output": str(tmp_path / "x"), "max_seconds": 30}
    cfg |= {"encoder": encoder | {"speech_tokenizer": "speech_tokenizer_v2.onnx"}}
    (row,) = encoded(OmegaConf.create(cfg))
    assert row["speech_tokens"] == reader.read(voice).tokens.tolist() and len(row["speech_tokens"]) == 25
    assert CosyVoiceEncoder(str(tmp_path), "speech_tokenizer_v2.onnx").token_rate == 25


def test_a_device_that_onnx_runtime_has_not_is_refused_and_not_replaced(tmp_path):
    write_decoder(tmp_path, SMALL["cosyvoice2"])
    write_speaker_encoder(tmp_path)
    write_speech_tokenizer(tmp_path, CODEBOOK)
    encoder = CosyVoiceEncoder(str(tmp_path), "speech_tokenizer_v2.onnx", device="nonsense:0")
    with pytest.raises(ValueError, match=r"tokenizer_v2\.onnx cannot be computed on nonsense:0, only with \['CPU"):
        encoder.encode([np.zeros(16000, np.float32)])


def test_a_voice_that_names_its_tokens_keeps_them_and_no_encoder_is_made(tmp_path):
    source = write(
        tmp_path / "voices.jsonl",
        {"name": "a", "text": "Hi.", "speech_tokens": [7, 8]},
        {"name": "b", "text": "Ho.", "language": "de", "speech_tokens": [9], "wav": "b.wav", "description": "old"},
        {"name": "c", "speech_tokens": [4], "wav": "c.wav", "prompted": False},
    )
    cfg = {"input": str(source), "output": str(tmp_path / "out" / "v.jsonl"), "encoder": {"_target_": "there.is.none"}}
    assert list(encoded(OmegaConf.create(cfg))) == [
        {"name": "a", "text": "Hi.", "speech_tokens": [7, 8]},
        {"name": "b", "text": "Ho.", "language": "de", "speech_tokens": [9], "wav": "../b.wav", "description": "old"},
        {"name": "c", "speech_tokens": [4], "prompted": False, "wav": "../c.wav"},
    ]


def test_paths_go_out_from_where_the_output_really_lies(tmp_path):
    (tmp_path / "disk/deep").mkdir(parents=True)
    (tmp_path / "exp").symlink_to(tmp_path / "disk/deep")
    record(tmp_path / "a.wav", 0.5)
    row = {"name": "a", "text": "Hi.", "speech_tokens": [7], "wav": "../../a.wav"}  # as list_recordings writes it
    source = write(tmp_path / "exp/recordings.jsonl", row)
    cfg = {"input": str(source), "output": str(tmp_path / "exp/made/v.jsonl"), "encoder": None, "max_seconds": 30}
    main.__wrapped__(OmegaConf.create({"voices": cfg}))
    (voice,) = read_voices(cfg["output"]).values()
    assert Path(voice.wav).samefile(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["train_0", "val_12", "described_00ff00ff00ff00ff"])
def test_voices_that_read_shards_made_are_not_written_over(tmp_path, name):
    source = write(tmp_path / "recordings.jsonl", {"name": "a", "text": "Hi.", "speech_tokens": [7]})
    output = write(tmp_path / "v.jsonl", {"name": name, "text": "Ho.", "speech_tokens": [8]})
    before, cfg = output.read_bytes(), {"input": str(source), "output": str(output), "encoder": None, "max_seconds": 30}
    told = rf"\(voices\.output\) holds 1 voices of .*\(voices\.input\) lacks, such as {name}: voices\.input=null"
    with pytest.raises(SystemExit, match=told):
        main.__wrapped__(OmegaConf.create({"voices": cfg}))
    assert output.read_bytes() == before
    with pytest.raises(SystemExit, match=r"no\.jsonl is missing: a voice on each line \(voices\.input; null if"):
        main.__wrapped__(OmegaConf.create({"voices": cfg | {"input": str(tmp_path / "no.jsonl")}}))


def test_a_voice_that_was_renamed_has_its_new_name(tmp_path):
    output, cfg = tmp_path / "v.jsonl", {"encoder": None, "max_seconds": 30}
    for name in ("anna", "hanna", "train_a", "described_by_anna"):
        source = write(tmp_path / "recordings.jsonl", {"name": name, "text": "Hi.", "speech_tokens": [7]})
        cfg |= {"input": str(source), "output": str(output)}
        main.__wrapped__(OmegaConf.create({"voices": cfg}))
        assert list(read_voices(str(output))) == [name]


class Counting:
    """An encoder that knows how many recordings it has seen, and fails at one."""

    sample_rate, seen, fails_at = 16000, 0, 0

    def __init__(self, device: str = "cpu", model_dir: str | None = None):
        self.device, self.model_dir = device, model_dir

    def encode(self, waves):
        Counting.seen += len(waves)
        if Counting.seen == Counting.fails_at:
            raise RuntimeError("power cut")
        return [np.array([len(wave)]) for wave in waves]


def test_no_recording_is_encoded_twice(tmp_path, monkeypatch):
    lines = [{"name": name, "text": "Hi.", "wav": f"{name}.wav"} for name in "abcd"]
    for place, line in enumerate(lines):
        record(tmp_path / line["wav"], 0.5 + 0.1 * place)
    (tmp_path / "model").mkdir()
    (weights := tmp_path / "model/weights").write_bytes(b"old")
    encoder = {"_target_": f"{__name__}.Counting", "device": "cpu", "model_dir": str(weights.parent)}
    cfg = {"output": str(tmp_path / "made/v.jsonl"), "max_seconds": 30, "encoder": encoder}

    def run(count: int, *, fails_at: int = 0, **changed) -> tuple[int, list[int]]:
        cfg["input"] = str(write(tmp_path / "recordings.jsonl", *({**line, **changed} for line in lines[:count])))
        monkeypatch.setattr(Counting, "seen", 0)
        monkeypatch.setattr(Counting, "fails_at", fails_at)
        try:
            rows = list(encoded(OmegaConf.create(cfg)))
        except RuntimeError:
            rows = []
        return Counting.seen, [row["speech_tokens"][0] for row in rows]

    assert run(3, fails_at=3) == (3, [])
    assert run(3) == (1, [8000, 9600, 11200])  # from the third on
    encoder["device"] = "cuda:0"
    assert run(4, text="Ho.") == (1, [8000, 9600, 11200, 12800])
    record(tmp_path / "a.wav", 1.0)
    assert run(4) == (1, [16000, 9600, 11200, 12800])
    weights.write_bytes(b"new")
    os.utime(weights, ns=(0, 1))
    assert run(4)[0] == 4


def test_recordings_of_other_words_are_named_and_none_is_heard_twice(tmp_path, monkeypatch):
    """Lines of b and c are swapped. a is right but for its signs, and d a homophone; of e three of ten words differ."""
    said = {
        5: "good evening",
        6: "明天放晴",
        7: "今天下雨",
        8: "他在这里",
        9: "one two three four five six seven eight nine",
    }
    words = {"a": "Good evening!", "b": "今天下雨。", "c": "明天放晴。", "d": "她在这里。"}
    lines = [{"name": name, "text": text, "wav": f"{name}.wav"} for name, text in words.items()]
    lines[0]["language"] = "en"
    lines.append({"name": "e", "text": "one two three or five six or eight or nine", "wav": "e.wav", "language": "en"})
    for place, line in enumerate(lines):
        record(tmp_path / line["wav"], 0.5 + 0.1 * place)
    monkeypatch.setattr(SaysByLength, "heard", 0)
    cfg = {
        "input": str(write(tmp_path / "r.jsonl", *lines)),
        "output": str(tmp_path / "made/v.jsonl"),
        "language": "zh",
    }
    cfg |= {"asr": {"_target_": "tests.helpers.small_encoder.SaysByLength", "said": said}, "max_seconds": 30}
    cfg |= {"encoder": {"_target_": f"{__name__}.Counting"}, "check": 0.3}

    def told() -> list[str]:
        with pytest.raises(BadRows) as error:
            list(encoded(OmegaConf.create(cfg)))
        return str(error.value).splitlines()

    head, *faults = told()
    assert head.startswith("2 bad rows; nothing was encoded")
    assert (
        "voice 'b': field 'text': error 0.75: '今天下雨。' is said" in faults[0] and "heard is '明天放晴'" in faults[0]
    )
    assert "voice 'c'" in faults[1] and SaysByLength.heard == 5
    cfg["check"] = 0.2  # e: three of its ten words
    assert "voice 'e'" in told()[3] and SaysByLength.heard == 5
    lines[1]["text"], lines[2]["text"], cfg["check"] = lines[2]["text"], lines[1]["text"], 0.3
    write(tmp_path / "r.jsonl", *lines)
    assert [row["name"] for row in encoded(OmegaConf.create(cfg))] == list("abcde") and SaysByLength.heard == 5
    lines[3]["text"] = f"You are a helpful assistant.<|endofprompt|>{words['d']}"  # before all words of CosyVoice3's
    write(tmp_path / "r.jsonl", *lines)
    assert len(list(encoded(OmegaConf.create(cfg), "models.cosyvoice.prompt.zero_shot3"))) == len(lines)
    lines[3]["text"], lines[0]["language"] = words["d"], "fr"
    write(tmp_path / "r.jsonl", *lines)
    assert "voice 'a': field 'text': cannot be heard: no language of this ASR: ['fr']" in told()[1]


def test_a_recording_of_two_channels_and_another_rate_becomes_one_at_the_encoders(xcodec2, tmp_path):
    record(tmp_path / "a.wav", 0.5, rate=44100, channels=2)
    source = write(tmp_path / "recordings.jsonl", {"name": "a", "text": "Hi.", "wav": "a.wav"})
    (row,) = encoded(OmegaConf.create(settings(xcodec2, source, tmp_path / "v.jsonl")))
    assert len(row["speech_tokens"]) == 26


@pytest.mark.parametrize("last", [{"wav": "gone.wav"}, {}])
def test_a_recording_that_is_not_there_is_found_before_any_is_encoded(tmp_path, last):
    record(tmp_path / "a.wav", 0.5)
    last = {"name": "b", "text": "Ho.", **last}
    source = write(tmp_path / "recordings.jsonl", {"name": "a", "text": "Hi.", "wav": "a.wav"}, last)
    cfg = {"input": str(source), "output": str(tmp_path / "v.jsonl"), "encoder": {"_target_": "there.is.none"}}
    cfg |= {"max_seconds": 30}
    with pytest.raises(
        ValueError, match=r"recordings\.jsonl: voice 'b': (field 'wav': .*gone\.wav is missing|names nei)"
    ):
        list(encoded(OmegaConf.create(cfg)))


def test_all_that_cannot_be_encoded_are_named_at_once(tmp_path):
    rows = ({"name": name, "text": "Hi.", "wav": f"{name}.wav"} for name in "abc")
    source = write(tmp_path / "recordings.jsonl", *rows)
    record(tmp_path / "b.wav", 0.5)
    cfg = {"input": str(source), "output": str(tmp_path / "v.jsonl"), "encoder": None, "max_seconds": 30}
    with pytest.raises(BadRows, match=r"^2 bad rows; nothing was encoded:\n.*voice 'a'.*\n.*voice 'c': field 'wav'"):
        list(encoded(OmegaConf.create(cfg)))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"wav": "long.wav"}, r"recordings\.jsonl: voice 'a': field 'wav': .*long\.wav lasts 31\.0 s, at most 30"),
        ({"wav": "gone.wav"}, r"voice 'a': field 'wav': .*gone\.wav is missing"),
        ({"wav": "empty.wav"}, r"voice 'a': .*empty\.wav holds 0 samples"),
        ({}, "voice 'a': names neither speech_tokens nor wav"),
    ],
)
def test_a_voice_that_cannot_be_encoded_is_named(xcodec2, tmp_path, row, message):
    soundfile.write(tmp_path / "long.wav", np.zeros(31 * 8000, np.float32), 8000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 8000)
    source = write(tmp_path / "recordings.jsonl", {"name": "a", "text": "Hi.", **row})
    with pytest.raises(ValueError, match=message):
        list(encoded(OmegaConf.create(settings(xcodec2, source, tmp_path / "v.jsonl"))))
