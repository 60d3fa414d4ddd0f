"""Recordings -> shards of speech codes -> rows for SFT and RL, and recipes with an encoder of their own."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hydra.utils import instantiate

from data_prep.held_out import check_list
from data_prep.merge_shards import merge_shards
from data_prep.read_shards import read_shards
from data_prep.shards import Codes, ShardWriter
from data_prep.vectorize import vectorize
from speech.jsonl import BadRows
from speech.voices import read_voices
from speech.waves import read_wave
from stages.config import compose_stage
from tests.helpers.cosyvoice_release import (
    CODEBOOK,
    SMALL,
    TOKENIZERS,
    write_decoder,
    write_speaker_encoder,
    write_speech_tokenizer,
)
from tests.helpers.glm_tokenizer import write_tokenizer
from tests.helpers.recordings import config, sample


def test_each_recording_is_the_voice_of_the_next_text(models, recordings, tmp_path):
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes", "read_shards.val_rows=0")
    vectorize(cfg)
    merge_shards(tmp_path / "codes", remove_shards=True)
    counts = read_shards(cfg)
    rows = {name: [json.loads(line) for line in Path(cfg.recipe[name]).read_text().splitlines()]
            for name in ("sft_texts", "train_texts", "test_texts", "voices")}  # fmt: skip
    # Languages: en de de en (3) en (7): pairs 1 -> 2 and 3 -> 7.
    assert rows["train_texts"] == [
        {"text": "Text 2.", "language": "de", "voice": "train_1"},
        {"text": "Text 7.", "language": "en", "voice": "train_3"},
    ]
    assert counts["train"]["rows"] == 2 and rows["test_texts"] == []
    assert [row["text"] for row in rows["sft_texts"]] == [f"Text {i}." for i in (0, 1, 2, 3, 7)]
    voices = {voice["name"]: voice for voice in rows["voices"]}
    assert voices[rows["sft_texts"][3]["voice"]] == {
        "name": rows["sft_texts"][3]["voice"], "description": "An old man."}  # fmt: skip
    assert voices[rows["sft_texts"][4]["voice"]]["description"] == "emotion: happy"
    assert "voice" not in rows["sft_texts"][0]
    assert voices["train_1"]["text"] == "Text 1."
    assert voices["train_1"]["speech_tokens"] == rows["sft_texts"][1]["speech_tokens"]
    file = Path(cfg.recipe.voices)
    wave, rate = soundfile.read(file.parent / voices["train_1"]["wav"])
    assert rate == 16000 and wave.shape == (8320,)  # 0.52 s
    moved = file.parent.rename(tmp_path / "elsewhere")  # to a larger disk, or into a container
    waves = [voice.wav for voice in read_voices(str(moved / file.name)).values() if voice.wav]
    assert len(waves) == 2 and all(soundfile.info(name).samplerate == 16000 for name in waves)


def test_codes_and_samples_that_do_not_fit_are_refused(tmp_path):
    with ShardWriter(tmp_path, None) as shard:
        shard.add("train", '{"transcript": "a"}', np.array([7, 8], np.int32))
        shard.add("train", '{"transcript": "b"}', np.array([9], np.int32))
    assert [codes.tolist() for _, codes in Codes(tmp_path, "train")] == [[7, 8], [9]]
    (tmp_path / "train_samples.jsonl").write_text('{"transcript": "a"}\n')
    with pytest.raises(ValueError, match="not as many lines"):
        list(Codes(tmp_path, "train"))
    (tmp_path / "train_codes.npy").write_bytes(np.array([7, 8], np.int32).tobytes())
    with pytest.raises(ValueError, match="does not fit"):
        Codes(tmp_path, "train")
    with pytest.raises(ValueError, match="without codes"), ShardWriter(tmp_path, 3) as shard:
        shard.add("val", "{}", np.empty(0, np.int32))
    assert not list(tmp_path.glob("val_*_3.*"))


def test_what_is_held_out_of_the_recordings_validates_sft(models, recordings, tmp_path):
    """By a hash of their own lines: 2 alone is below a half here."""
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes", "vectorize.val_share=0.5")
    vectorize(cfg)
    assert merge_shards(tmp_path / "codes", remove_shards=True) == {"train": 4, "val": 1}
    read_shards(cfg)
    for name, places in (("sft_texts", (0, 1, 3, 7)), ("sft_val_texts", (2,))):
        rows = [json.loads(line) for line in Path(cfg.recipe[name]).read_text().splitlines()]
        assert [row["text"] for row in rows] == [f"Text {i}." for i in places]
        assert [len(row["speech_tokens"]) for row in rows] == [26 + i for i in places]


def test_a_share_that_holds_nothing_out_is_refused_before_anything_is_encoded(models, recordings, tmp_path):
    where = f"recipe.codes_dir={tmp_path}/codes"
    with pytest.raises(ValueError, match=r"val_share=0\.001 holds out 0 recordings of .*val_share=0\.15, which does"):
        vectorize(config(models, recordings, where, "vectorize.val_share=0.001"))  # the lowest is 0.14, of place 2
    with pytest.raises(ValueError, match=r"holds out 1 recordings of .*: 6 are wanted .*only 5 are left by"):
        vectorize(config(models, recordings, where, "vectorize.val_share=0.5", "vectorize.least_held_out=6"))
    assert not (tmp_path / "codes").exists()


def test_what_is_held_out_is_counted_and_not_expected(tmp_path):
    """Of these 2100 lines 0.001 should be two, and is one: the lowest hashes are 0.00096, 0.00198 and 0.00221."""
    rows = (json.dumps(sample(place, 1.1)) + "\n" for place in range(2100))
    (tmp_path / "samples.jsonl").write_text("".join(rows))
    given = [f"recipe.recordings={tmp_path}/samples.jsonl", f"recipe.work_dir={tmp_path}/work", "splits=rl"]
    given += ["vectorize.on_error=skip"]  # there is no such file
    with pytest.raises(ValueError, match=r"holds out 1 recordings of .*: 2 are wanted .*val_share=0\.002, which"):
        vectorize(compose_stage("inworld_tts", "data", tuple(given)))
    check_list(compose_stage("inworld_tts", "data", (*given, "vectorize.val_share=0.002")).vectorize)


def test_of_many_missing_files_the_first_are_named_and_all_counted(tmp_path):
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(sample(place, 1.1)) + "\n" for place in range(25)))
    given = (f"recipe.recordings={tmp_path}/samples.jsonl", "vectorize.on_error=stop", "vectorize.val_share=0")
    with pytest.raises(BadRows, match=r"(?s)^25 bad rows; nothing was encoded.*jsonl:20: .*\n  and 5 more$") as error:
        check_list(compose_stage("inworld_tts", "data", (*given, "splits=rl")).vectorize)
    assert "jsonl:21: " not in str(error.value)
    assert str(BadRows(["a", "b"], shown=1, unlisted=3)) == "5 bad rows:\n  a\n  and 4 more"
    assert str(BadRows(["a", "b"])) == "2 bad rows:\n  a\n  b"


def release(recipe: str, folder: Path) -> str:
    """What the recipe's encoder reads, and the override that says where."""
    if recipe == "glm_tts":
        write_tokenizer(folder / "speech_tokenizer")
        return f"recipe.pretrained_dir={folder}"
    folder.mkdir()
    write_decoder(folder, SMALL[recipe])
    write_speaker_encoder(folder)
    write_speech_tokenizer(folder, CODEBOOK, TOKENIZERS[recipe])
    return f"recipe.token2wav_dir={folder}"


# 25 tokens a second: 0.5 s + 0.02 s x place are 12.5 + place / 2 tokens. CosyVoice leaves out one begun, GLM-TTS not.
@pytest.mark.parametrize(
    ("recipe", "lengths"),
    [
        ("cosyvoice2", [12, 13, 13, 14, 14, 16]),
        ("cosyvoice3", [12, 13, 13, 14, 14, 16]),
        ("glm_tts", [13, 13, 14, 14, 15, 16]),
    ],
)
def test_recipes_with_an_encoder_of_their_own_vectorise_with_it(recipe, lengths, recordings, tmp_path):
    own = [release(recipe, tmp_path / "release"), f"recipe.recordings={recordings}", f"recipe.work_dir={tmp_path}/work"]
    own += ["vectorize.piece=4", "vectorize.val_share=0", "read_shards.val_rows=0", "recipe.languages=null"]
    cfg = compose_stage(recipe, "data", tuple(own))
    vectorize(cfg)
    assert merge_shards(cfg.recipe.codes_dir, remove_shards=True) == {"train": 6, "val": 0}
    read_shards(cfg)
    rows = {name: [json.loads(line) for line in Path(cfg.recipe[name]).read_text().splitlines()]
            for name in ("sft_texts", "train_texts", "voices")}  # fmt: skip
    assert [row["text"] for row in rows["sft_texts"]] == [f"Text {i}." for i in (0, 1, 2, 3, 4, 7)]  # any language
    assert [len(row["speech_tokens"]) for row in rows["sft_texts"]] == lengths
    wave = read_wave(str(recordings.parent / "wavs" / "7.wav"), 16000)
    assert rows["sft_texts"][5]["speech_tokens"] == instantiate(cfg.voices.encoder).encode([wave])[0].tolist()
    assert rows["train_texts"] == [{"text": "Text 2.", "language": "de", "voice": "train_1"}]
    (voice,) = rows["voices"]  # of the pair; none is described
    assert voice["speech_tokens"] == rows["sft_texts"][1]["speech_tokens"]
    assert (
        soundfile.info(Path(cfg.recipe.voices).parent / voice["wav"]).samplerate == 24000
    )  # what the flow's mel reads
