"""Rows for SFT and GRPO, and voices, of merged shards of speech codes that no encoder made."""

import io
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import DictConfig, OmegaConf

from data_prep.read_shards import Kept, _drop_others, is_chosen, read_shards, write_rl, write_sft
from data_prep.shards import ShardWriter
from speech.faults import UserError
from stages.config import compose_stage


def test_a_voice_whose_words_no_prompt_can_hold_is_none(tmp_path):
    with ShardWriter(tmp_path, None) as shard:
        said = {"<|en|>One.": "en", "Two.": "en", "Three.": "en", "Four.": "English", "Five.": "English"}
        for words, language in said.items():
            row = {"transcript": words, "language": language, "wav_path": "a.wav", "voice_description": "<|old|>"}
            shard.add("train", json.dumps(row), np.array([7], np.int32))
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16000)
    cfg = OmegaConf.create({"codes": str(tmp_path), "recordings": str(tmp_path / "samples.jsonl"), "annotations": []})
    cfg.update({"max_voice_tokens": 9, "voice_waves": str(tmp_path / "voices"), "voice_rate": 16000})
    cfg.update({"filters": None, "instruction": None})
    rows, voices = io.StringIO(), io.StringIO()
    counts = write_rl(cfg, "train", 9, rows, voices, str(tmp_path / "v.jsonl"))
    assert counts == {"bad words": 1, "rows": 1, "bad language": 1}
    (two,) = map(json.loads, voices.getvalue().splitlines())
    assert (two["text"], two["language"]) == ("Two.", "en")
    write_rl(cfg, "train", 9, rows, plain := io.StringIO(), str(tmp_path / "v.jsonl"), "en")
    assert "language" not in json.loads(plain.getvalue())  # the recipe's own
    assert write_sft(cfg, "train", io.StringIO(), voices, set()) == {"bad words": 5, "rows": 5}


def shards_of_one(folder: Path, *fields: dict) -> DictConfig:
    """Codes of rows of one recording, a.wav, and what reads them."""
    with ShardWriter(folder, None) as shard:
        for place, more in enumerate(fields):
            row = {"transcript": f"Text {place}.", "language": "en", "wav_path": "a.wav", **more}
            shard.add("train", json.dumps(row), np.array([7], np.int32))
    cfg = OmegaConf.create({"codes": str(folder), "recordings": str(folder / "samples.jsonl")})
    cfg.update({"annotations": None, "instruction": None, "filters": None})
    return OmegaConf.merge(cfg, {"max_voice_tokens": 9, "voice_waves": str(folder / "voices"), "voice_rate": 16000})


def rows_of(cfg: DictConfig) -> tuple[list[dict], list[dict], list[dict]]:
    """Rows for SFT and GRPO that are made of them, without the codes, and the voices."""
    folder, files = Path(cfg.codes), [io.StringIO() for _ in range(3)]
    soundfile.write(folder / "a.wav", np.zeros(160), 16000)
    write_sft(cfg, "train", files[0], files[2], set())
    write_rl(cfg, "train", 9, files[1], files[2], str(folder / "v.jsonl"))
    sft, rl, voices = ([json.loads(line) for line in file.getvalue().splitlines()] for file in files)
    return [{key: one for key, one in row.items() if key != "speech_tokens"} for row in sft], rl, voices


def test_filters_of_encoded_recordings_count_and_neighbours_are_of_the_rest(tmp_path):
    told = [{"duration": float(seconds), "dnsmos_mos_ovr": 4.0} for seconds in range(1, 9)]
    told[2]["dnsmos_mos_ovr"] = 2.9
    del told[5]["dnsmos_mos_ovr"], told[7]["duration"]
    cfg = shards_of_one(tmp_path, *told)
    cfg.filters = deepcopy(compose_stage("inworld_tts", "data").read_shards.filters)
    assert [place for place, _, _ in Kept(cfg, "train")] == list(range(8))  # none by default
    cfg.filters.update({"min_duration_s": 2.0, "min_dnsmos_score": 3.0})
    sft, rl, voices = rows_of(cfg)
    assert [row["text"] for row in sft] == ["Text 1.", "Text 3.", "Text 4.", "Text 6."]
    assert [(row["voice"], row["text"]) for row in rl] == [
        ("train_1", "Text 3."), ("train_3", "Text 4."), ("train_4", "Text 6.")]  # fmt: skip
    assert [voice["text"] for voice in voices] == ["Text 1.", "Text 3.", "Text 4."]
    assert Kept(cfg, "train").left_out == {"duration": 2, "DNSMOS": 1, "no dnsmos_mos_ovr": 1}
    rl = io.StringIO()  # two of the four that are kept are chosen, the first and the third
    assert write_rl(cfg, "train", 2, rl, io.StringIO(), str(tmp_path / "v.jsonl"))["rows"] == 2
    assert [json.loads(line)["voice"] for line in rl.getvalue().splitlines()] == ["train_1", "train_4"]


def test_a_speaker_is_an_annotation_or_an_instruction(tmp_path):
    """The Inworld TTS trainer's "speaker: [ID]"; CosyVoice's instruction by which SFT learns speakers."""
    cfg = shards_of_one(tmp_path, {"speaker_id": "f7", "emotion": "happy"}, {"emotion": "sad"})
    cfg.annotations = ["emotion", "speaker"]
    sft, rl, voices = rows_of(cfg)
    assert [voice.get("description") for voice in voices] == ["emotion: happy speaker: [f7]", "emotion: sad", None]
    assert all("instruction" not in row for row in (*sft, *rl))
    cfg.annotations, cfg.instruction = None, "你是说话人{speaker_id}"
    sft, rl, _ = rows_of(cfg)
    said = {"language": "en", "instruction": "你是说话人f7"}
    assert sft == [{"text": "Text 0.", **said}, {"text": "Text 1.", "language": "en"}]
    assert rl == [{"text": "Text 1.", "voice": "train_0", **said}]


def test_speaker_0_is_one(tmp_path):
    cfg = shards_of_one(tmp_path, {"speaker_id": 0}, {"speaker_id": ""})
    cfg.annotations, cfg.instruction = ["speaker"], "你是说话人{speaker_id}"
    sft, _, voices = rows_of(cfg)
    assert [voice.get("description") for voice in voices] == ["speaker: [0]", None]
    assert [row.get("instruction") for row in sft] == ["你是说话人0", None]


def test_the_wave_of_a_voice_is_that_of_its_recording_now(tmp_path):
    cfg = shards_of_one(tmp_path, {}, {})
    lasts = []
    for samples, cfg.voice_rate in ((320, 16000), (160, 16000), (160, 24000)):  # trimmed in place; another rate
        soundfile.write(tmp_path / "a.wav", np.zeros(samples), 16000)
        write_rl(cfg, "train", 9, io.StringIO(), voices := io.StringIO(), str(tmp_path / "v.jsonl"))
        info = soundfile.info(tmp_path / json.loads(voices.getvalue())["wav"])
        lasts.append((info.frames, info.samplerate))
    assert lasts == [(320, 16000), (160, 16000), (240, 24000)]


def test_a_voice_whose_recording_is_gone_keeps_the_wave_that_was_made_of_it(tmp_path):
    cfg = shards_of_one(tmp_path, {}, {})
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16000)
    voices = tmp_path / "v.jsonl"

    def write() -> str:
        write_rl(cfg, "train", 9, io.StringIO(), made := io.StringIO(), str(voices))
        return made.getvalue()

    voices.write_text(first := write())
    (tmp_path / "a.wav").unlink()
    assert write() == first and first
    with pytest.raises(FileNotFoundError, match=r"a\.wav is missing"):
        cfg.voice_rate = 24000
        write()
    cfg.voice_rate = 16000
    voices.write_text(first.replace("[7]", "[8]"))  # of another corpus
    with pytest.raises(FileNotFoundError, match=r"a\.wav is missing"):
        write()


def test_waves_of_recordings_as_they_were_go_and_those_of_others_stay(tmp_path):
    for name in ("train_0_aa", "train_0_bb", "train_1_aa", "my_own_wave"):
        (tmp_path / f"{name}.wav").touch()
    row = {"name": "train_0", "text": "One.", "speech_tokens": [7], "wav": "train_0_bb.wav"}
    (tmp_path / "v.jsonl").write_text(json.dumps(row) + "\n")
    _drop_others(tmp_path, str(tmp_path / "v.jsonl"))
    assert sorted(path.stem for path in tmp_path.glob("*.wav")) == ["my_own_wave", "train_0_bb", "train_1_aa"]


def test_a_file_of_the_users_own_is_never_written_over(tmp_path):
    """At b75001f0 `data recipe.train_texts=my/train.jsonl` of inworld_tts replaced it by rows of the corpus."""
    shards_of_one(tmp_path / "codes", {}, {})
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16000)
    own = (f"recipe.work_dir={tmp_path}/work", f"recipe.codes_dir={tmp_path}/codes", "splits=rl")
    own += (f"recipe.recordings={tmp_path}/samples.jsonl", f"recipe.train_texts={tmp_path}/train.jsonl")
    cfg, mine = compose_stage("inworld_tts", "data", own), tmp_path / "train.jsonl"
    assert read_shards(cfg)["train"] == {"rows": 1}
    (tmp_path / "work/data/read_shards.json").unlink()  # of a run from before it was kept
    read_shards(cfg)
    cfg.read_shards.train_rows = 0  # other rows
    read_shards(cfg)
    assert mine.read_bytes() == b""
    mine.write_text('{"text": "Mine."}\n')
    sft = Path(cfg.recipe.sft_texts).stat().st_mtime_ns
    told = r"^recipe\.train_texts=\S*/train\.jsonl: there already, .*prepare\.splits\.NAME\.input"
    with pytest.raises(UserError, match=told):
        read_shards(cfg)
    assert mine.read_text() == '{"text": "Mine."}\n' and Path(cfg.recipe.sft_texts).stat().st_mtime_ns == sft
    cfg.recipe.train_texts = "hub:owner/name@train"
    with pytest.raises(UserError, match=r"^recipe\.train_texts=hub:owner/name@train: this is written here"):
        read_shards(cfg)


def test_rows_for_grpo_are_evenly_chosen():
    assert [place for place in range(7) if is_chosen(place, 7, 4)] == [0, 2, 4, 6]
    assert [place for place in range(3) if is_chosen(place, 3, 5)] == [0, 1, 2]
    assert not any(is_chosen(place, 3, 0) for place in range(3))
    assert sum(is_chosen(place, 39_999, 20_000) for place in range(39_999)) == 20_000
    assert is_chosen(39_998, 39_999, 20_000)  # to the end
