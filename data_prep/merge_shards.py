"""The shards of data_prep.vectorize -> one file of codes, one index and one of samples for each split.

    python -m data_prep.merge_shards --config-path <recipes/NAME> --config-name data

See data_prep/shards.py for the layout. Bytes are copied; the merged files appear together or not at all, and then their
record, which data_prep.vectorize looks for. Only then do shards go (merge_shards.remove_shards). Shards of the Inworld
TTS trainer are merged as well, and stay; what it has merged itself stays, too.
"""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig
from tqdm import tqdm

from data_prep.shards import FOREIGN, MERGED, RECORDS, SPLITS, is_foreign, names
from speech.faults import UserError, told_plainly
from speech.files import whole_file


def find_shards(folder: str | Path) -> tuple[list[int], dict[str, Any]]:
    """Numbers of the shards, from 0 on, and the settings that they were made with; those of the Inworld TTS trainer
    have no worker_*.json beside them and tell no settings.

    Raises:
        FileNotFoundError: there is none, a worker has not finished, or a file of one is missing.
        ValueError: the workers had different settings.
    """
    root = Path(folder)
    records = {path: json.loads(path.read_text()) for path in root.glob(RECORDS)}
    if not records:
        return _without_records(root), FOREIGN
    worlds = {record["settings"]["world"] for record in records.values()}
    if len(worlds) != 1 or worlds != {len(records)} or not all(record["finished"] for record in records.values()):
        found = {path.name: record["finished"] for path, record in sorted(records.items())}
        raise FileNotFoundError(
            f"not all workers have finished in {root}: {found} of {worlds}: run data_prep.vectorize"
        )
    numbers, (settings, *others) = list(range(len(records))), [record["settings"] for record in records.values()]
    if any(other != settings for other in others):
        raise ValueError(
            f"the workers in {root} had different settings, see {', '.join(p.name for p in records)}. If some were "
            "made by an older version: run data_prep.vectorize again, which encodes nothing that is finished"
        )
    for number in numbers:
        for path in (path for split in SPLITS for path in names(root, split, number)):
            if not path.exists():
                raise FileNotFoundError(f"{path} is missing: run data_prep.vectorize again")
    return numbers, {key: value for key, value in settings.items() if key not in ("piece", "world")}


def _without_records(root: Path) -> list[int]:
    """Numbers of shards that another trainer made, by their files."""
    numbers = sorted(int(path.stem.rpartition("_")[2]) for path in root.glob(f"{SPLITS[0]}_codes_[0-9]*.npy"))
    if not numbers or numbers != list(range(len(numbers))):
        raise FileNotFoundError(f"no shards from 0 on in {root}, found {numbers}: run data_prep.vectorize")
    for path in (path for number in numbers for split in SPLITS for path in names(root, split, number)):
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: the shards in {root} are not whole")
    return numbers


def merge_shards(folder: str | Path, remove_shards: bool) -> dict[str, int]:
    """Merges all shards in `folder` in the order of their numbers, unless that was done; the recordings of each split.

    Raises:
        FileNotFoundError, ValueError: see find_shards. ValueError: a shard's index does not fit its codes.
        UserError: some of another trainer's merged files are there, and not all.
    """
    record = Path(folder) / MERGED
    known, merged = record.exists() or is_foreign(folder), [path for split in SPLITS for path in names(folder, split)]
    there = [path.name for path in merged if path.exists()]
    if known and len(there) == len(merged):
        print(f"[merge_shards] {folder} is merged already", flush=True)
        counts = {split: len(np.load(names(folder, split)[1])) for split in SPLITS}
    else:
        if there and is_foreign(folder) and not record.exists():
            raise UserError(
                f"{folder} holds another trainer's {', '.join(there)}, and not all of {len(merged)} merged files. They "
                "are not replaced: complete them there, or move them away to have the shards merged"
            )
        numbers, settings = find_shards(folder)
        counts = _merge(folder, numbers)
        with whole_file(record) as temporary:
            temporary.write_text(json.dumps({"settings": settings, "recordings": counts}) + "\n")
    if remove_shards:
        for path in Path(folder).glob(RECORDS):
            number = int(path.stem.removeprefix("worker_"))
            for shard in (shard for split in SPLITS for shard in names(folder, split, number)):
                shard.unlink(missing_ok=True)
            path.unlink()
    return counts


def _merge(folder: str | Path, numbers: list[int]) -> dict[str, int]:
    counts = dict.fromkeys(SPLITS, 0)
    with ExitStack() as stack:
        for split in SPLITS:
            codes, index, samples = (stack.enter_context(whole_file(path)) for path in names(folder, split))
            starts, size = [np.empty(0, np.int64)], 0
            with open(codes, "wb") as all_codes, open(samples, "wb") as all_samples:
                for number in tqdm(numbers, desc=f"{split} shards"):
                    own_codes, own_index, own_samples = names(folder, split, number)
                    beginnings, own_size = np.load(own_index), own_codes.stat().st_size // 4
                    if len(beginnings) and beginnings[-1] >= own_size:
                        raise ValueError(f"{own_index} goes beyond the {own_size} codes of {own_codes}")
                    starts.append(beginnings + size)
                    size += own_size
                    for source, target in ((own_codes, all_codes), (own_samples, all_samples)):
                        with open(source, "rb") as file:
                            shutil.copyfileobj(file, target, 1 << 24)
            merged = np.concatenate(starts)
            with open(index, "wb") as file:
                np.save(file, merged)
            counts[split] = len(merged)
            print(
                f"[merge_shards] {split}: {len(merged)} recordings, {size} codes of {len(numbers)} shards", flush=True
            )
    return counts


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    merge_shards(cfg.vectorize.output, cfg.merge_shards.remove_shards)


if __name__ == "__main__":
    main()
