"""Audio -> speech codes ("vectorise"), in shards by process.

    python -m data_prep.vectorize --config-path <recipes/NAME> --config-name data [vectorize.workers=4]
    torchrun --nproc-per-node 8 -m data_prep.vectorize --config-path ...        # or so; torchrun's options for nodes

Each worker takes one stretch of the JSONL's lines, in pieces of `vectorize.piece` recordings, and each piece is stored
whole: an interrupted run goes on with the next one, and a worker that has finished is left alone. At the end worker i
puts its pieces together as the shard i (see data_prep/shards.py). Recordings are left out by the filters, counted by
reason; bad ones stop the run or, with on_error=skip, are listed in `rejects_{i}.jsonl`.

Shards, and what data_prep.merge_shards makes of them, have a record of the encoder and its files, the filters and the
JSONL. What fits is not made again; what does not is refused, never mixed; codes without a record are another trainer's,
and left as they are. Recordings are known by their lines, not by their sound.
"""

import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from hashlib import blake2b, file_digest
from itertools import islice
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from data_prep.heard import check_samples
from data_prep.held_out import check_list, place_of
from data_prep.recordings import Recording, filters, read_recordings, read_sound
from data_prep.shards import FILE, SPLITS, ShardWriter, check_same, is_foreign, is_merged, names
from speech.faults import UserError, told_plainly
from speech.files import files_under, identities, paths_in, whole_file
from speech.jsonl import BadRows, Fault
from speech.paths import check_outputs, input_file


def settings_of(cfg: DictConfig) -> dict[str, Any]:
    """What the codes depend on: the encoder (not its device) and its files, the filters, and the JSONL by path and
    content."""
    own = OmegaConf.to_container(cfg.vectorize, resolve=True)
    own["encoder"].pop("device", None)
    with open(own["input"], "rb") as file:
        content = file_digest(file, partial(blake2b, digest_size=16)).hexdigest()
    told = {key: own[key] for key in ("encoder", "filters", "input", "val_share", "duration_off")}
    return told | {"content": content} | _files(own["encoder"])


def _files(encoder: dict[str, Any]) -> dict[str, str]:
    """{FILE and the path: SHA-256} of what the encoder's settings name. By content: hours of encoding are not to be
    done again because a checkpoint was copied."""
    found = {}
    for number, folder in enumerate(paths_in(encoder)):  # named there: its files by their place in it, wherever we are
        read = [file for file in files_under(folder) if not _is_told(file.relative_to(folder))]
        root = folder if folder.is_dir() else folder.parent
        found |= {f"{FILE}{number}.{root.name}/{name}": told for name, told in identities(read, root).items()}
    return found


def _is_told(file: Path) -> bool:
    """What a model's folder has for people and for its hub's client; no model reads it."""
    return any(part[0] == "." for part in file.parts) or file.suffix in (".md", ".png", ".jpg", ".gif", ".svg")


class Worker:
    """One of `world` processes.

    Args:
        cfg: recipes/NAME/data.yaml composed.
        settings: of settings_of.
        rank, world: which of how many.
        device: of its encoder; None leaves that to the configuration.
    """

    def __init__(self, cfg: DictConfig, settings: dict[str, Any], rank: int, world: int, device: str | None = None):
        self.cfg, self.rank, self.world, self.device = cfg.vectorize, rank, world, device
        self.settings = settings | {"piece": cfg.vectorize.piece, "world": world}
        self.record = Path(cfg.vectorize.output) / f"worker_{rank}.json"
        self.folder = Path(self.cfg.output) / f"pieces_{rank}"
        self.filters, self.left_out = filters(self.cfg.filters), Counter[str]()

    def run(self) -> None:
        """Encodes its stretch and writes its shard.

        Raises:
            ValueError: a bad recording and on_error=stop, with file, line and field; pieces of other settings.
        """
        if self._claim():
            print(f"[vectorize] worker {self.rank} has finished already", flush=True)
            return
        encoder = None
        with open(self.cfg.input, "rb") as file:
            total = sum(1 for _ in file)
        begin, end = (total * k // self.world for k in (self.rank, self.rank + 1))
        rows = read_recordings(self.cfg.input, begin, end)
        bar = tqdm(total=end - begin, desc=f"worker {self.rank}", unit="recording", mininterval=5)
        number = 0
        while chunk := list(islice(rows, self.cfg.piece)):
            if not self._piece(number).exists():
                encoder = encoder or self._encoder()
                self._store(number, chunk, encoder)
            number += 1
            bar.update(len(chunk))
        bar.close()
        self._finish(number)

    def _encoder(self) -> Any:
        device = {"device": self.device} if self.device else {}
        return hydra.utils.instantiate(self.cfg.encoder, **device)

    def _claim(self) -> bool:
        """Whether this worker's shard is there already; if not, its pieces are now of these settings and this input."""
        found = json.loads(self.record.read_text()) if self.record.exists() else None
        if found:
            check_same(self.record, found["settings"], self.settings)
        self._write_record(finished=bool(found and found["finished"]))
        return bool(found and found["finished"])

    def _write_record(self, finished: bool) -> None:
        with whole_file(self.record) as temporary:
            temporary.write_text(json.dumps({"settings": self.settings, "finished": finished}) + "\n")

    def _piece(self, number: int) -> Path:
        return self.folder / f"{number}.npz"

    def _store(self, number: int, chunk: list[Recording | Fault], encoder: Any) -> None:
        faults = [one for one in chunk if isinstance(one, Fault)]
        waves: list[tuple[Recording, np.ndarray]] = []
        left_out: Counter[str] = Counter()
        for one in chunk:
            if isinstance(one, Fault):
                continue
            if reason := next(filter(None, (check(one) for check in self.filters)), None):
                left_out[reason] += 1
                continue
            try:
                wave = read_sound(one, self.cfg, encoder.sample_rate)
            except ValueError as error:
                faults.append(Fault(self.cfg.input, one.line, "wav_path", str(error), json.dumps(one.row)))
                continue
            if isinstance(wave, str):
                left_out[wave] += 1
            else:
                waves.append((one, wave))
        self._stop_for(faults)
        encoded = self._encode([wave for _, wave in waves], encoder)
        made = [(one, codes) for (one, _), codes in zip(waves, encoded, strict=True)]
        short = [one for one, codes in made if not len(codes)]  # whatever length it is listed with
        faults += [Fault(self.cfg.input, one.line, "wav_path", "no code long", json.dumps(one.row)) for one in short]
        self._stop_for(faults)
        made = [(one, codes) for one, codes in made if len(codes)]
        with whole_file(self._piece(number)) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                codes=np.concatenate([np.empty(0, np.int32), *(codes for _, codes in made)]),
                lengths=np.array([len(codes) for _, codes in made], np.int64),
                samples=_stored(one.row for one, _ in made),
                faults=_stored(map(asdict, faults)),
                left_out=np.array(json.dumps(left_out)),
            )

    def _stop_for(self, faults: list[Fault]) -> None:
        if faults and self.cfg.on_error == "stop":
            raise BadRows(faults, then="vectorize.on_error=skip leaves them out")

    def _encode(self, waves: list[np.ndarray], encoder: Any) -> list[np.ndarray]:
        """Codes in order; encoded by length, `batch_size` at a time, so that many of a batch have the same one."""
        order = sorted(range(len(waves)), key=lambda i: len(waves[i]))
        found: dict[int, np.ndarray] = {}
        for start in range(0, len(order), self.cfg.batch_size):
            chosen = order[start : start + self.cfg.batch_size]
            found |= zip(chosen, encoder.encode([waves[i] for i in chosen]), strict=True)
        return [found[i] for i in range(len(waves))]

    def _finish(self, pieces: int) -> None:
        """Pieces -> the shard of this worker; then they go."""
        kept, bad = Counter[str](), 0
        rejects = Path(self.cfg.output) / f"rejects_{self.rank}.jsonl"
        with (
            whole_file(rejects) as temporary,
            ShardWriter(self.cfg.output, self.rank) as shard,
            open(temporary, "w", encoding="utf-8") as rejected,
        ):
            for number in range(pieces):
                with np.load(self._piece(number)) as piece:
                    ends = np.cumsum(piece["lengths"])
                    for sample, codes in zip(
                        _lines(piece["samples"]), np.split(piece["codes"], ends)[:-1], strict=True
                    ):
                        split = "val" if place_of(sample) < self.cfg.val_share * 2**32 else "train"
                        shard.add(split, sample, codes)
                        kept[split] += 1
                    listed = _lines(piece["faults"])
                    rejected.writelines(fault + "\n" for fault in listed)
                    bad += len(listed)
                    self.left_out.update(json.loads(str(piece["left_out"])))
        self._write_record(finished=True)
        shutil.rmtree(self.folder, ignore_errors=not pieces)
        print(f"[vectorize] worker {self.rank}: {dict(kept)}; left out {dict(self.left_out)}, bad {bad}", flush=True)


def _stored(rows: Iterable[dict[str, Any]]) -> np.ndarray:
    """Lines of JSON in a piece, uint8: NumPy's strings would all take four bytes times the longest."""
    return np.frombuffer("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(), np.uint8)


def _lines(stored: np.ndarray) -> list[str]:
    """Those of _stored, or of a piece of before, which has NumPy's strings."""
    return stored.tobytes().decode().split("\n")[:-1] if stored.dtype == np.uint8 else stored.tolist()


def _work(cfg: DictConfig, settings: dict[str, Any], rank: int, world: int, device: str | None) -> None:
    Worker(cfg, settings, rank, world, device).run()


def vectorize(cfg: DictConfig) -> None:
    """All workers of this process: `vectorize.workers` of them, times torchrun's processes if it started this one.
    Where the output holds another trainer's codes, nothing is done, and `vectorize.input` need not be there.

    Raises:
        ValueError: an unknown on_error, codes of other settings, or too few recordings that are held out; BadRows: bad
            recordings and on_error=stop.
        FileNotFoundError: no such input.
        RuntimeError: a worker failed; its own message stands above.
    """
    own = cfg.vectorize
    if is_foreign(own.output):
        way = "taken as they are: to encode recordings name another folder (recipe.codes_dir)"
        print(f"[vectorize] {own.output} holds codes of another trainer, {way}", flush=True)
        return
    if not str(own.input).endswith(".jsonl"):
        raise UserError(f"vectorize.input={own.input}: one recording a line, in a .jsonl file")
    input_file(own.input, "one recording a line (vectorize.input, recipe.recordings)")
    merged = [path for split in SPLITS for path in names(own.output, split)]
    check_outputs({"vectorize.input": own.input}, {f"vectorize.output/{path.name}": path for path in merged})
    if own.on_error not in ("stop", "skip"):
        raise UserError(f"vectorize.on_error={own.on_error}: known are stop, skip")
    settings = settings_of(cfg)
    if is_merged(own.output, settings):
        print(f"[vectorize] {own.output} holds the merged codes of this input already", flush=True)
        return
    check_list(own)
    if int(os.environ.get("RANK", 0)) == 0:  # of torchrun's processes one
        check_samples(own, cfg.recipe.prompt_template)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    local = int(os.environ.get("LOCAL_RANK", 0)) * own.workers
    devices = list(own.devices)
    jobs = [
        (cfg, settings, rank * own.workers + i, world * own.workers, devices[(local + i) % len(devices)])
        for i in range(own.workers)
    ]
    if len(jobs) == 1:
        _work(*jobs[0])
        return
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_work, args=job) for job in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if failed := [job[2] for job, process in zip(jobs, processes, strict=True) if process.exitcode]:
        raise RuntimeError(
            f"workers {failed} failed; their messages stand above. Run it again: finished pieces are kept"
        )


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        vectorize(cfg)


if __name__ == "__main__":
    main()
