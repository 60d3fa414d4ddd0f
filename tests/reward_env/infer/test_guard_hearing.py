"""The guard's hearing with the small codec and whisper-base: asked rows are heard once, held-out texts averaged."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path

import grpc
import numpy as np
import pytest
from omegaconf import DictConfig, OmegaConf
from tritonclient.grpc import service_pb2
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceServicer, add_GRPCInferenceServiceServicer_to_server
from tritonclient.utils import InferenceServerException

from infer.guard import Hearing, _sound
from infer.hear import Listener
from merge.choose import guard_folder
from reward_tts.asr.faster_whisper import WhisperEar
from reward_tts.served_waves import ServedWaves
from speech.files import growing_lines
from speech.interfaces import NoMemory, Passing, Row, Transcript
from stages.config import ROOT, compose_stage
from tests.conftest import free_ports


@pytest.fixture(scope="module")
def cfg(built_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> DictConfig:
    folder = tmp_path_factory.mktemp("grpo")
    (folder / "guard").mkdir()
    own = (f"recipe.work_dir={built_recipe.relative_to(ROOT)}", f"recipe.grpo_dir={folder}", "guard.batch=3")
    cfg = OmegaConf.create(OmegaConf.to_container(compose_stage("tiny_mandarin", "guard", own), resolve=True))
    cfg.token2wav = cfg.reward_server.token2wav  # without a server: its own decoder
    return cfg


def ask(cfg: DictConfig, spoken: list[tuple[list[int], str]], kind: str, step: int, transcript: str | None) -> None:
    with open(guard_folder(cfg.recipe.grpo_dir) / "asked.jsonl", "a") as file:
        for number, (tokens, text) in enumerate(spoken):
            row = {"id": f"{step}.{kind}.{number}", "kind": kind, "step": step, "text": text, "language": "zh"}
            row |= {"voice": None, "tokens": tokens, "transcript": text if transcript is None else transcript}
            file.write(json.dumps(row) + "\n")


def test_what_is_asked_is_heard_once_both_kinds_in_turn(cfg: DictConfig, spoken: list[tuple[list[int], str]]):
    """Of the last text of step 10 nothing was said, and of that of step 20, which is a batch by itself."""
    nothing = ([], spoken[2][1])
    ask(cfg, [*spoken[:2], nothing], "held_out", 10, None)
    ask(cfg, [nothing], "held_out", 20, "")
    ask(cfg, spoken[2:6], "rollout", 11, "")
    hearing = Hearing(cfg)
    assert [hearing.work() for _ in range(5)] == [True, True, True, True, False]
    heard, _ = growing_lines(guard_folder(cfg.recipe.grpo_dir) / "heard.jsonl")
    held_out_ids = ["10.held_out.0", "10.held_out.1", "10.held_out.2", "20.held_out.0"]
    in_turn = [f"11.rollout.{i}" for i in range(3)] + held_out_ids[:3] + ["11.rollout.3", held_out_ids[3]]
    assert [row["id"] for row in heard] == in_turn
    heard.sort(key=lambda row: row["kind"] == "held_out")
    assert [row["reward"] for row in heard] == [1.0] * 4 + [0.0] * 3 + [1.0]  # of "" all is missing
    assert all(0 <= row["other"] <= 1 for row in heard)
    for row, (tokens, text) in zip(heard, spoken[2:6], strict=False):
        assert row["sound"]["speaking_rate"] == pytest.approx(len(text) / (len(tokens) * 3 / 80), rel=0.02)
        assert 0.001 < row["sound"]["amplitude"] < 1
    written = json.loads((guard_folder(cfg.recipe.grpo_dir) / "held_out.json").read_text())
    assert written["steps"]["10"]["error"] == pytest.approx((heard[4]["other"] + heard[5]["other"] + 1.0) / 3)
    assert (written["steps"]["20"]["error"], heard[4]["other"] < 1.0) == (1.0, True)
    assert Hearing(cfg).work() is False  # a process that is started again


def test_no_pitch_is_none_but_a_measure_that_nobody_made_is_an_error():
    """It was 0 dB, an amplitude of 1 for ever, where a recipe's own guard.yaml had no scorer of loudness."""
    heard = {"duration_s": 2.0, "log_f0_std": None, "silence_ratio": 0.25, "loudness_db": -20.0}
    row = {"text": "今天", "language": "zh"}
    assert _sound(row, heard) == {"log_f0_std": 0.0, "silence_ratio": 0.25, "speaking_rate": 1.0, "amplitude": 0.1}
    del heard["loudness_db"]
    with pytest.raises(KeyError, match="loudness_db"):
        _sound(row, heard)


class EarOfMandarin(WhisperEar):
    """Refuses other languages, as recipes/common/ear/paraformer_zh.yaml does."""

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        if unknown := sorted(set(languages) - {"zh"}):
            raise ValueError(f"does not know {unknown}")
        return super().transcribe(waves, languages)


def test_a_row_that_the_ear_cannot_hear_holds_up_no_other(
    cfg: DictConfig, spoken: list[tuple[list[int], str]], ear: WhisperEar, tmp_path: Path, capsys
):
    own = cfg.copy()
    own.recipe.grpo_dir, folder = str(tmp_path), guard_folder(tmp_path)
    folder.mkdir()
    ask(own, spoken[6:9], "rollout", 1, None)
    asked = [json.loads(line) for line in (folder / "asked.jsonl").read_text().splitlines()]
    asked[1]["language"] = "en"
    more = [row | {"id": f"{row['id']}.again"} for row in asked[1:2]]
    (folder / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked + more))
    hearing = Hearing(own)
    away = ServedWaves(f"127.0.0.1:{free_ports(1)[0]}", None, own.recipe.token_rate, own.recipe.codebook_size)
    hearing.listener.token2wav = away
    with pytest.raises(Passing, match=f"^reward server {away.addresses[0]}: .*UNAVAILABLE"):
        hearing.work()
    own_ear = copy(ear)
    own_ear.__class__ = EarOfMandarin
    hearing.listener = Listener(own)
    hearing.listener.ear = own_ear
    assert [hearing.work() for _ in range(3)] == [True, True, False]
    heard, _ = growing_lines(folder / "heard.jsonl")
    told = "rows in language 'en' are left out: ValueError: does not know ['en']"
    left_out = [(f"1.rollout.1{end}", "left_out") for end in ("", ".again")]
    found = [(row["id"], row["kind"]) for row in heard]  # the last one first: the others were away for a turn
    assert found == [left_out[1], ("1.rollout.0", "rollout"), left_out[0], ("1.rollout.2", "rollout")]
    assert {row["why"] for row in heard if row["kind"] == "left_out"} == {told}
    assert capsys.readouterr().out.count(told) == 1


class EarWithoutMemoryForEnglish(WhisperEar):
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        if "en" in languages:
            raise RuntimeError("GET was unable to find an engine to execute this computation")
        return super().transcribe(waves, languages)


def test_a_row_for_which_memory_is_always_short_is_told_and_left_out_in_the_end(
    cfg: DictConfig, spoken: list[tuple[list[int], str]], ear: WhisperEar, tmp_path: Path, capsys
):
    """It was tried again for ever, and what shared its batch was never heard."""
    own = cfg.copy()
    own.recipe.grpo_dir, own.guard.memory_attempts, folder = str(tmp_path), 3, guard_folder(tmp_path)
    folder.mkdir()
    ask(own, spoken[6:9], "rollout", 1, None)
    lines = (folder / "asked.jsonl").read_text().replace('"language": "zh"', '"language": "en"', 1)
    (folder / "asked.jsonl").write_text(lines)
    hearing = Hearing(own)
    hearing.listener.ear = copy(ear)
    hearing.listener.ear.__class__ = EarWithoutMemoryForEnglish
    assert hearing.work() is True
    heard, _ = growing_lines(folder / "heard.jsonl")
    assert [row["id"] for row in heard] == ["1.rollout.1", "1.rollout.2"]
    for _ in range(4):  # the second time; afterwards nothing shows that there is memory for others
        with pytest.raises(NoMemory, match="cannot compute at all"):
            hearing.work()
    ask(own, spoken[7:8], "held_out", 2, None)
    assert hearing.work() is True and "left out" not in capsys.readouterr().out
    assert [hearing.work() for _ in range(2)] == [True, False]
    (tokens, text), told = spoken[6], capsys.readouterr().out
    assert f"3 times none for it: rollout of step 1, {len(tokens)} tokens of {text!r}: " in told
    assert json.loads((folder / "held_out.json").read_text())["steps"]["2"]["texts"] == 1


class Refusing(GRPCInferenceServiceServicer):
    """A server's door that answers each row with `code`."""

    code, why = grpc.StatusCode.RESOURCE_EXHAUSTED, "why"

    def ModelInfer(self, request, context):
        context.abort(self.code, self.why)


@pytest.fixture(scope="module")
def refusing() -> Iterator[tuple[Refusing, ServedWaves]]:
    server, door = grpc.server(ThreadPoolExecutor(1)), Refusing()
    add_GRPCInferenceServiceServicer_to_server(door, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield door, ServedWaves(f"127.0.0.1:{port}", None, 26.7, 1024)
    server.stop(None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *[(name, Passing) for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED")],
        *[(name, InferenceServerException) for name in ("INVALID_ARGUMENT", "INTERNAL")],
    ],
)
def test_what_a_server_refuses_about_a_row_is_told_from_what_passes(refusing, code: str, kind: type[Exception]):
    door, waves = refusing
    door.code = grpc.StatusCode[code]
    with pytest.raises(kind, match=code) as told:
        waves.decode([Row(np.array([1, 2], np.int32), None, "zh")])
    assert told.type is kind


def test_a_row_for_which_a_server_has_no_memory_is_told_from_a_busy_server(refusing, monkeypatch):
    door, waves = refusing
    monkeypatch.setattr(door, "why", "row 0: RuntimeError: CUDA failed with error out of memory")
    door.code = grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(NoMemory, match="row 0: RuntimeError"):
        waves.decode([Row(np.array([1, 2], np.int32), None, "zh")])


class Speaking(GRPCInferenceServiceServicer):
    """A server's door that answers each row with as many samples as it has tokens."""

    def ModelInfer(self, request, context):
        size = request.inputs[0].shape[0]
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        outputs = ("WAVE", "FP32", np.ones(size, "<f4")), ("SAMPLE_RATE", "INT32", np.array([8], "<i4"))
        for name, kind, values in outputs:
            answer.outputs.add(name=name, datatype=kind, shape=values.shape)
            answer.raw_output_contents.append(values.tobytes())
        return answer


def test_where_one_server_is_away_or_short_of_memory_another_one_speaks(refusing, monkeypatch):
    """With the first of several servers away the guard heard nothing, and could stop no run."""
    door, waves = refusing
    server = grpc.server(ThreadPoolExecutor(1))
    add_GRPCInferenceServiceServicer_to_server(Speaking(), server)
    there, away = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", f"127.0.0.1:{free_ports(1)[0]}"
    server.start()
    rows = [Row(np.arange(size, dtype=np.int32), None, "zh") for size in (2, 3)]
    for code, why in (("UNAVAILABLE", "away"), ("RESOURCE_EXHAUSTED", "row 0: no memory")):
        monkeypatch.setattr(door, "code", grpc.StatusCode[code])
        monkeypatch.setattr(door, "why", why)
        several = ServedWaves(waves.addresses[0], more=[away, there])
        assert [len(wave) for wave in several.decode(rows)] == [2, 3] and several.sample_rate == 8
        assert several.addresses[0] == there  # which is the first to be asked from now on
    with pytest.raises(NoMemory, match="row 0: no memory"):  # of the row, whatever else is away
        ServedWaves(away, more=waves.addresses).decode(rows)
    server.stop(None)


class FullEar(WhisperEar):
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        raise RuntimeError("CUDA failed with error out of memory")


@pytest.mark.parametrize("short_of", ["a server", "memory"])
def test_a_row_that_met_a_busy_server_or_no_memory_is_heard_later(
    cfg: DictConfig, spoken: list[tuple[list[int], str]], ear: WhisperEar, refusing, tmp_path: Path, short_of: str
):
    own = cfg.copy()
    own.recipe.grpo_dir, own.guard.batch, folder = str(tmp_path), 1, guard_folder(tmp_path)
    folder.mkdir()
    own.cache.path = str(tmp_path / "heard.sqlite")
    ask(own, spoken[:2], "held_out", 1, None)
    hearing = Hearing(own)
    hearing.listener.ear = copy(ear)
    if short_of == "memory":
        hearing.listener.ear.__class__ = FullEar
    else:
        refusing[0].code, hearing.listener.token2wav = grpc.StatusCode.RESOURCE_EXHAUSTED, refusing[1]
        refusing[1].codebook_size = own.recipe.codebook_size
    with pytest.raises(Passing):
        hearing.work()
    hearing.listener = Listener(own)
    hearing.listener.ear = ear
    assert [hearing.work() for _ in range(3)] == [True, True, False]
    assert json.loads((folder / "held_out.json").read_text())["steps"]["1"]["texts"] == 2
    heard, _ = growing_lines(folder / "heard.jsonl")
    assert [row["id"] for row in heard] == ["1.held_out.1", "1.held_out.0"]  # it holds up no other


def test_an_asr_of_the_rewards_family_is_refused(cfg: DictConfig):
    same = cfg.copy()
    same.ear = cfg.reward_server.asr
    with pytest.raises(ValueError, match="is of the reward's own family"):
        Hearing(same)


def test_half_a_line_waits_for_its_end(tmp_path: Path):
    path = tmp_path / "asked.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    rows, offset = growing_lines(path)
    assert (rows, offset) == ([{"a": 1}], 9)
    path.write_text('{"a": 1}\n{"b": 2}\n')
    assert growing_lines(path, offset) == ([{"b": 2}], 18)
