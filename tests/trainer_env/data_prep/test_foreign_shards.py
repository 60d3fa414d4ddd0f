"""Shards of the Inworld TTS trainer, which writes no record of its workers."""

import numpy as np
import pytest

from data_prep.merge_shards import merge_shards
from data_prep.shards import Codes, ShardWriter, names


def write(folder, shard: int, *lengths: int) -> None:
    with ShardWriter(folder, shard) as writer:
        for length in lengths:
            writer.add("train", f'{{"transcript": "{shard} {length}"}}', np.arange(length, dtype=np.int32))


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
