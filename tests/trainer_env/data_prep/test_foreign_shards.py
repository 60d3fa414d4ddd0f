"""Codes of the Inworld TTS trainer, which writes no record of its workers."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.merge_shards import merge_shards
from data_prep.read_shards import read_shards
from data_prep.shards import Codes, ShardWriter, names
from data_prep.vectorize import vectorize
from speech.faults import UserError
from stages.config import compose_stage


def write(folder: Path, shard: int | None, *lengths: int) -> None:
    with ShardWriter(folder, shard) as writer:
        for length in lengths:
            row = {"transcript": f"{shard} {length}", "language": "en", "wav_path": "a.wav"}
            writer.add("train", json.dumps(row), np.arange(length, dtype=np.int32))


@pytest.mark.parametrize("shards", [[None], [0, 1], [None, 0, 1]])
def test_they_are_never_written_over_and_read_without_the_list_they_were_made_of(tmp_path, shards):
    """Merged by their data_merger, with and without the shards, and not merged. At ee8aa784 stage data encoded its
    recordings over them, or refused what it had merged itself."""
    codes = tmp_path / "codes"
    for shard in shards:
        write(codes, shard, 3, 4)
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16000)
    before = {path: path.read_bytes() for path in codes.iterdir()}
    own = (f"recipe.codes_dir={codes}", f"recipe.work_dir={tmp_path}/work", f"recipe.recordings={tmp_path}/none.jsonl")
    cfg = compose_stage("inworld_tts", "data", own)
    rows = 2 if None in shards else 4
    for _ in range(2):  # the second time beside what merge_shards has written
        vectorize(cfg)
        assert merge_shards(cfg.vectorize.output, cfg.merge_shards.remove_shards) == {"train": rows, "val": 0}
        assert {path: path.read_bytes() for path in before} == before
        counts = read_shards(cfg)
        assert (counts["sft"]["rows"], counts["train"]["rows"]) == (rows, rows - 1)


def test_they_are_merged_in_the_order_of_their_numbers_and_stay(tmp_path):
    """11 of them: the tenth comes after the ninth. At 7864d8e: not all workers have finished."""
    for shard in range(11):
        write(tmp_path, shard, shard + 1)
    assert merge_shards(tmp_path, remove_shards=True) == {"train": 11, "val": 0}
    found = list(Codes(tmp_path, "train"))
    assert [row["transcript"] for row, _ in found] == [f"{shard} {shard + 1}" for shard in range(11)]
    assert [len(codes) for _, codes in found] == list(range(1, 12))
    assert names(tmp_path, "train", 10)[0].exists()


def test_a_gap_in_their_numbers_and_a_missing_file_are_refused(tmp_path):
    write(tmp_path, 0, 2)
    write(tmp_path, 2, 3)
    with pytest.raises(FileNotFoundError, match=r"no shards from 0 on in .*, found \[0, 2\]"):
        merge_shards(tmp_path, remove_shards=False)
    write(tmp_path, 1, 1)
    names(tmp_path, "train", 1)[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"train_codes_index_1\.npy is missing: the shards in"):
        merge_shards(tmp_path, remove_shards=False)


def test_merged_files_of_which_one_is_missing_are_not_replaced(tmp_path):
    """At ee8aa784 they were written over by what the shards make."""
    for shard in (0, None):
        write(tmp_path, shard, 2)
    names(tmp_path, "val")[2].unlink()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=r"another trainer's train_codes\.npy, .*, and not all of 6 merged files"):
        merge_shards(tmp_path, remove_shards=False)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
