"""Recordings -> speech codes in shards -> merged -> rows for SFT and RL, with the recipes' own encoders, small."""

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hydra.utils import instantiate

from data_prep.heard import check_samples
from data_prep.merge_shards import merge_shards
from data_prep.recordings import filters, read_recordings, read_sound
from data_prep.shards import Codes
from data_prep.vectorize import Worker, _lines, _stored, vectorize
from speech.jsonl import BadRows, read_rows
from speech.waves import read_wave
from stages.config import compose_stage
from tests.helpers.recordings import config


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_shards_of_two_processes_merge_into_what_one_makes(recordings, tmp_path):
    """With an encoder that each of them imports at once; the recipe's: test_torchruns_processes_are_workers."""
    encoder = "vectorize.encoder={_target_: tests.helpers.small_encoder.LoudnessEncoder}"
    one = config(tmp_path, recordings, encoder, f"recipe.codes_dir={tmp_path}/one")
    two = config(tmp_path, recordings, encoder, f"recipe.codes_dir={tmp_path}/two", "vectorize.workers=2")
    vectorize(one)
    vectorize(two)
    kinds = ("codes_{}.npy", "codes_index_{}.npy", "samples_{}.jsonl")
    made = [f"{split}_{kind.format(i)}" for split in ("train", "val") for kind in kinds for i in (0, 1)]
    made += [f"{kind}_{i}.json{end}" for kind, end in (("rejects", "l"), ("worker", "")) for i in (0, 1)]
    assert files(tmp_path / "two") == sorted(made)
    assert merge_shards(tmp_path / "one", remove_shards=False) == {"train": 5, "val": 0}
    assert merge_shards(tmp_path / "two", remove_shards=True) == {"train": 5, "val": 0}
    for name in ("train_codes.npy", "train_codes_index.npy", "train_samples.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "train_codes_0.npy" in files(tmp_path / "one")
    assert "merged.json" in files(tmp_path / "two")
    left = [name for name in files(tmp_path / "two") if "_0" in name or "_1" in name]
    assert left == ["rejects_0.jsonl", "rejects_1.jsonl"]
    # The published trainer's way to read them.
    codes = np.memmap(tmp_path / "two" / "train_codes.npy", dtype=np.int32, mode="r")
    assert np.load(tmp_path / "two" / "train_codes_index.npy").tolist() == [0, 12, 25, 38, 52]
    assert len(codes) == 52 + 16  # 0.5 s + 0.02 s x place are 12.5 + place / 2 whole codes of 0.04 s
    lines = (tmp_path / "two" / "train_samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["transcript"] for line in lines] == [f"Text {i}." for i in (0, 1, 2, 3, 7)]


def test_the_codes_are_those_of_the_encoder(models, recordings, tmp_path):
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes")
    vectorize(cfg)
    merge_shards(tmp_path / "codes", remove_shards=True)
    encoder = instantiate(cfg.vectorize.encoder, device="cpu")
    found = list(Codes(tmp_path / "codes", "train"))
    for row, codes in found:
        wave = read_wave(str(recordings.parent / row["wav_path"]), 16000)
        np.testing.assert_array_equal(codes, encoder.encode([wave])[0])
    assert len({tuple(codes.tolist()) for _, codes in found}) == 5


def test_a_share_of_the_recordings_is_heard_before_any_is_encoded(recordings, tmp_path):
    """0.5 s + 0.02 s x place, in tenths: 5, 5, 5, 6 and 6 of the five that are used; of them 1 and 2 are German."""
    ear = "vectorize.asr={_target_: tests.helpers.small_encoder.SaysByLength, said: {5: 'text 0', 6: 'text seven.'}}"
    encoder = "vectorize.encoder={_target_: tests.helpers.small_encoder.LoudnessEncoder}"
    own = (f"recipe.codes_dir={tmp_path}/codes", "vectorize.check={error: 0.3, share: 1}")
    cfg = config(tmp_path, recordings, ear, encoder, *own)
    with pytest.raises(BadRows) as error:
        vectorize(cfg)
    head, *faults = str(error.value).splitlines()
    assert head.startswith("3 bad rows; nothing was encoded") and not (tmp_path / "codes/worker_0.json").exists()
    places = [fault.partition("samples.jsonl:")[2].split(":")[0] for fault in faults]
    assert places == ["2", "3", "4"] and "cannot be heard" in faults[0]
    assert "error 0.50: 'Text 3.' is said to be in" in faults[2] and "heard is 'text seven.'" in faults[2]
    cfg.vectorize.check.share = 0
    vectorize(cfg)
    assert (tmp_path / "codes/worker_0.json").exists()


def test_an_interrupted_run_goes_on_with_the_pieces_that_are_missing(models, recordings, tmp_path, monkeypatch):
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes")
    whole, encoded = Worker._encode, []

    def failing(self, waves, encoder):
        if len(encoded) == 2:
            raise RuntimeError("power cut")
        encoded.append(len(waves))
        return whole(self, waves, encoder)

    monkeypatch.setattr(Worker, "_encode", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        vectorize(cfg)
    with pytest.raises(FileNotFoundError, match="not all workers have finished"):
        merge_shards(tmp_path / "codes", remove_shards=False)
    assert encoded == [2, 2]  # two pieces of two
    encoded.clear()
    vectorize(cfg)
    assert encoded == [0, 1]  # the others: lines 4 and 5 are left out, 6 too
    assert merge_shards(tmp_path / "codes", remove_shards=False) == {"train": 5, "val": 0}
    vectorize(cfg)  # has finished already
    assert encoded == [0, 1]


OTHER_SETTINGS = {  # of the encoder's directory, layer and precision, and of the filters
    "encoder": (
        "voices.encoder.model_dir=elsewhere",
        "voices.encoder.semantic_layer=1",
        "voices.encoder.dtype=bfloat16",
    ),
    "filters": ("vectorize.filters.latin_letters=only",),
}


def test_codes_of_other_settings_or_recordings_are_refused_with_what_differs(models, recordings, tmp_path):
    where, lines = f"recipe.codes_dir={tmp_path}/codes", recordings.read_text()
    vectorize(config(models, recordings, where))
    for record in ("worker_0", "merged"):
        for key, overrides in OTHER_SETTINGS.items():
            for other in overrides:
                with pytest.raises(
                    ValueError, match=rf"{record}\.json is of other settings: {{'{key}': .*recipe\.codes_dir"
                ):
                    vectorize(config(models, recordings, where, other))
        recordings.write_text(lines.replace("Text 0.", "Text X."))  # a file of the same name and size
        with pytest.raises(ValueError, match=rf"{record}\.json is of other settings: {{'content': "):
            vectorize(config(models, recordings, where))
        recordings.write_text(lines)
        merge_shards(tmp_path / "codes", remove_shards=True)


def test_codes_of_another_checkpoint_in_the_same_folder_are_refused(recordings, tmp_path):
    """A hub's notes, and files that came later, are none of it."""
    model = tmp_path / "model"
    (model / ".cache").mkdir(parents=True)
    (model / "weights").write_text("1")
    encoder = f"{{_target_: tests.helpers.small_encoder.LoudnessEncoder, model_dir: {model}}}"
    cfg = config(tmp_path, recordings, f"recipe.codes_dir={tmp_path}/codes", f"vectorize.encoder={encoder}")
    vectorize(cfg)
    (model / ".cache/asked").touch()
    (model / "more").touch()
    for record in ("worker_0", "merged"):
        vectorize(cfg)  # done already
        (model / "weights").write_text("2")
        with pytest.raises(ValueError, match=rf"{record}\.json is of other settings: {{'file \S*model/weights': "):
            vectorize(cfg)
        (model / "weights").write_text("1")
        merge_shards(tmp_path / "codes", remove_shards=True)
    cfg.vectorize.duration_off.seconds = 2.0
    with pytest.raises(ValueError, match=r"is of other settings: {'duration_off': {'seconds': 1\.0, .*}}, now "):
        vectorize(cfg)
    merged = tmp_path / "codes/merged.json"
    told = json.loads(merged.read_text())
    for key in [key for key in told["settings"] if key == "duration_off" or key.startswith("file ")]:
        del told["settings"][key]
    merged.write_text(json.dumps(told))  # as it was before these were told
    vectorize(cfg)


@pytest.mark.parametrize("remove_shards", [False, True])
def test_what_is_merged_is_not_encoded_again(models, recordings, tmp_path, monkeypatch, remove_shards):
    """Neither with more workers, nor on another device, nor after an interruption of the removal."""
    where = f"recipe.codes_dir={tmp_path}/codes"
    vectorize(config(models, recordings, where))
    counts = merge_shards(tmp_path / "codes", remove_shards)
    before = (tmp_path / "codes" / "train_codes.npy").read_bytes()
    monkeypatch.setattr(Worker, "run", lambda self: pytest.fail("encoded again"))
    vectorize(
        config(models, recordings, where, "vectorize.workers=2", "vectorize.devices=[cuda:0]", "vectorize.piece=1")
    )
    assert merge_shards(tmp_path / "codes", remove_shards=True) == counts == {"train": 5, "val": 0}
    assert (tmp_path / "codes" / "train_codes.npy").read_bytes() == before
    assert not list((tmp_path / "codes").glob("worker_*.json")) + list((tmp_path / "codes").glob("*_0.npy"))


def test_lines_of_a_piece_take_their_own_bytes_and_those_of_an_older_one_are_read():
    stored = _stored([{"t": "你"}, {"t": "x" * 90}])
    assert _lines(stored) == ['{"t": "你"}', '{"t": "' + "x" * 90 + '"}'] and stored.nbytes == 13 + 100
    assert _lines(np.array(['{"t": "你"}', "{}"], dtype=str)) == ['{"t": "你"}', "{}"]
    assert _lines(_stored([])) == _lines(np.array([], dtype=str)) == []


def test_a_worker_parses_no_line_but_its_own(tmp_path):
    lines = ['{"line": 1}', "", "{nonsense", '{"line": 4}', "{nonsense"]
    (tmp_path / "samples.jsonl").write_text("\n".join(lines) + "\n")
    assert [(number, row) for number, _, row in read_rows(tmp_path / "samples.jsonl", 3, 4)] == [(4, {"line": 4})]
    assert [number for number, _, _ in read_rows(tmp_path / "samples.jsonl", 1, 3)] == [3]
    assert [number for number, _, _ in read_rows(tmp_path / "samples.jsonl")] == [1, 3, 4, 5]


def test_bad_recordings_stop_the_run_with_file_line_and_field_or_are_listed(models, recordings, tmp_path):
    lines = recordings.read_text().splitlines()
    lines[0] = lines[0].replace("wavs/0.wav", "wavs/none.wav")
    lines[2] = lines[2].replace('"duration": 0.54', '"duration": "long"')
    recordings.write_text("\n".join([*lines, "{nonsense"]) + "\n")
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes")
    told = r"(?s)^3 bad rows; nothing was encoded.*jsonl:1: field 'wav_path': .*none\.wav is missing.*:3: .*:9: is no"
    with pytest.raises(BadRows, match=told):
        vectorize(cfg)
    assert not (tmp_path / "codes").exists()  # though a piece is two recordings
    cfg.vectorize.on_error = "skip"
    vectorize(cfg)
    rejected = [json.loads(line) for line in (tmp_path / "codes" / "rejects_0.jsonl").read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in rejected] == [(1, "wav_path"), (3, "duration"), (9, None)]
    assert merge_shards(tmp_path / "codes", remove_shards=True) == {"train": 3, "val": 0}


def test_what_a_file_holds_is_compared_with_its_row(models, recordings, tmp_path):
    """0 is cut off, 1 is silence, 2 has 8000 Hz; 3 and 7 are what they are listed as."""
    lines = [json.loads(line) for line in recordings.read_text().splitlines()]
    lines[0]["duration"] = 10.0
    recordings.write_text("".join(json.dumps(line) + "\n" for line in lines))
    noise = np.random.default_rng(0).normal(scale=0.1, size=60000)
    for place, wave, rate in ((0, noise, 24000), (1, np.zeros(12480), 24000), (2, noise[:4320], 8000)):
        soundfile.write(recordings.parent / f"wavs/{place}.wav", wave, rate)
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes", "vectorize.on_error=skip")
    vectorize(cfg)
    rejected = [json.loads(line) for line in (tmp_path / "codes/rejects_0.jsonl").read_text().splitlines()]
    told = [(one["line"], one["field"], one["reason"].rpartition(".wav ")[2]) for one in rejected]
    assert told == [(1, "wav_path", "lasts 2.5 s, listed are 10"), (2, "wav_path", "holds only silence")]
    assert merge_shards(tmp_path / "codes", remove_shards=True) == {"train": 2, "val": 0}


def test_a_bound_that_is_null_bounds_nothing(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(31 * 8000, 0.1), 8000)
    own = deepcopy(compose_stage("inworld_tts", "data").vectorize)
    row = {"transcript": "One.", "language": "en", "wav_path": "a.wav", "duration": 31.0, "sample_rate": 8000}
    (tmp_path / "samples.jsonl").write_text(json.dumps(row) + "\n")
    (one,) = read_recordings(str(tmp_path / "samples.jsonl"))
    assert [check(one) for check in filters(own.filters)] == [None, None, "duration", "sample rate", None, None]
    assert read_sound(one, own, 16000) == "sample rate"
    own.filters.update({"min_duration_s": None, "max_duration_s": None, "min_sample_rate": None})
    assert not any(check(one) for check in filters(own.filters))
    assert len(read_sound(one, own, 16000)) == 31 * 16000
    own.asr = {"_target_": "tests.helpers.small_encoder.SaysByLength", "said": {310: "two"}}
    own.update({"input": str(tmp_path / "samples.jsonl"), "output": str(tmp_path), "check": {"error": 0.3, "share": 1}})
    template = "models.cosyvoice.prompt.zero_shot3"
    with pytest.raises(BadRows, match="heard is 'two'"):
        check_samples(own, template)
    row["transcript"] = "Please speak slowly.<|endofprompt|>Two."
    (tmp_path / "samples.jsonl").write_text(json.dumps(row) + "\n")
    check_samples(own, template)


def test_torchruns_processes_are_workers(models, recordings, tmp_path, monkeypatch):
    """Each encodes its share as one process encodes all."""
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes")
    one = config(models, recordings, f"recipe.codes_dir={tmp_path}/one")
    vectorize(one)
    assert merge_shards(tmp_path / "one", remove_shards=True) == {"train": 5, "val": 0}
    # 0.5 s + 0.02 s x place are 25 + place codes, and the one that is always padded: 26, 27, 28, 29, 33
    assert np.load(tmp_path / "one" / "train_codes_index.npy").tolist() == [0, 26, 53, 81, 110]
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        vectorize(cfg)
    merge_shards(tmp_path / "codes", remove_shards=True)
    rows = [sample["transcript"] for sample, _ in Codes(tmp_path / "codes", "train")]
    assert rows == [f"Text {i}." for i in (0, 1, 2, 3, 7)]
    for name in ("train_codes.npy", "train_codes_index.npy", "train_samples.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "codes" / name).read_bytes()


def test_a_recording_too_short_for_one_code_is_a_bad_one_and_not_the_end(models, recordings, tmp_path, monkeypatch):
    """As CosyVoice's tokenizer finds none in a hundredth of a second, whatever length the list says."""
    encode = Worker._encode

    def first_without(self, waves, encoder):
        return [codes if place else codes[:0] for place, codes in enumerate(encode(self, waves, encoder))]

    monkeypatch.setattr(Worker, "_encode", first_without)
    cfg = config(models, recordings, f"recipe.codes_dir={tmp_path}/codes", "vectorize.piece=100")
    with pytest.raises(ValueError, match=r"samples\.jsonl:1: field 'wav_path': no code long"):
        vectorize(cfg)
    cfg.vectorize.on_error = "skip"
    vectorize(cfg)
    (rejected,) = map(json.loads, (tmp_path / "codes/rejects_0.jsonl").read_text().splitlines())
    assert (rejected["line"], rejected["field"]) == (1, "wav_path")
    assert merge_shards(tmp_path / "codes", remove_shards=True) == {"train": 4, "val": 0}
