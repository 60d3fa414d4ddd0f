"""The real server with the small models, through the real client, the published client's JSON, and compute_score."""

import asyncio
import json
import re
import subprocess
import urllib.request

import numpy as np
import pytest
import soundfile

from reward_tts.client import RewardClient, RewardError, ServerConfig
from reward_tts.compute_score import compute_score
from reward_tts.measures import CONTRACT, Span, Status
from reward_tts.reward.errors import error as error_of
from reward_tts.reward.formulas import shape_tanh, silence
from speech.tokens import format_speech_tokens
from tests.helpers.server_client import (
    config_of,
    counted,
    measure,
    odd_rows,
    posted_raw,
    raw_answer,
    wait_until_counted,
)

REWARD = {
    "terms": {"pinyin": {"weight": 1.0, "tones": False, "shaping": "tanh(3)"}},
    "aggregation": {"name": "weighted_sum"},
    "error": {"unit": "pinyin", "tones": False},
    "token_credit": None,
    "logged": ["log_f0_std", "confidence"],
}


def test_many_requests_at_once_measure_the_same_as_one_by_one_and_share_batches(reward_server, spoken):
    by_length, config = sorted(spoken, key=lambda row: len(row[0])), config_of(reward_server)
    asked = [*by_length[:6], *by_length[-6:]]  # a batch holds short and long ones
    begin = counted(reward_server, "nv_inference_count")
    alone = measure(config, asked, at_once=False)
    wait_until_counted(begin + len(alone), reward_server)  # Triton counts a moment after it answers
    before = [counted(reward_server, name) for name in ("nv_inference_count", "nv_inference_exec_count")]
    together = measure(config, asked * 3)
    wait_until_counted(before[0] + len(together), reward_server)
    rows, batches = (
        counted(reward_server, name) - old
        for name, old in zip(("nv_inference_count", "nv_inference_exec_count"), before, strict=True)
    )
    assert len(odd_rows(together, alone)) <= 1
    assert [m.duration_s for m in together] == [len(tokens) * 3 / 80 for tokens, _ in asked] * 3
    assert [m.num_tokens for m in alone] == [len(tokens) for tokens, _ in asked]
    assert all(len(m.char_times) == len(m.transcript) for m in alone)
    assert rows == len(together) == 3 * len(asked)
    assert batches < rows  # of different lengths: the metrics of test_server_life.py


def test_the_ear_hears_the_teacher(reward_server, spoken):
    """A model of a minute's training hears most of it; the recipe's own is held to more by its evaluation."""
    heard = measure(config_of(reward_server), spoken)
    said = [text for _, text in spoken]
    errors, shuffled = (
        [error_of(text, m.transcript, "zh", "pinyin") for text, m in zip(said, order, strict=False)]
        for order in (heard, heard[1:])
    )
    assert np.mean(errors) < np.mean(shuffled) / 2


def published(server, tokens: list[int], text: str, length: int | None = None) -> dict[str, object]:
    """JSON over HTTP with plain lists, as the CosyVoice recipe's reward_tts.py posts it; {output: its one value}.

    Raises:
        HTTPError: the request failed.
    """
    length = len(tokens) if length is None else length
    body = {
        "inputs": [
            {"name": "TOKENS", "shape": [1, len(tokens)], "datatype": "INT32", "data": tokens},
            {"name": "TOKEN_LENS", "shape": [1, 1], "datatype": "INT32", "data": [length]},
            {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES", "data": [text]},
        ]
    }
    url = f"http://{server.host}:{server.http_port}/v2/models/token2wav_asr/infer"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return {output["name"]: output["data"][0] for output in json.load(answer)["outputs"]}


def test_the_published_client_gets_rewards_and_transcripts(reward_server, spoken):
    tokens, text = spoken[0]
    outputs = published(reward_server, tokens, text)
    error = error_of(text, outputs["TRANSCRIPTS"], "zh", "pinyin")
    quiet = silence(json.loads(outputs["MEASURES"])["scores"]["silence_ratio"], allowed=0.5)
    assert outputs["REWARDS"] == pytest.approx((shape_tanh(error, 3.0) + 0.2 * quiet) / 1.2)
    assert outputs["STATUS"] == 0


def test_raw_contents_behind_the_json_get_the_same_reward_in_raw_contents(reward_server, spoken):
    """As tritonclient.http posts and reads by default."""
    raw = posted_raw(reward_server, *spoken[0])
    assert np.frombuffer(raw["REWARDS"], "<f4").tolist() == [published(reward_server, *spoken[0])["REWARDS"]]


def test_the_published_client_gets_the_lowest_reward_for_what_nothing_can_speak(reward_server):
    """As compute_score gives it to ours: no token, one outside the codebook, more than the server's max_tokens."""
    for tokens, length in (([], 0), ([5], 0), ([5, 1024], 2), ([5] * 10000, 10000)):
        outputs = published(reward_server, tokens, "今天", length)
        assert (outputs["REWARDS"], outputs["STATUS"], outputs["TRANSCRIPTS"]) == (0.0, Status.BAD_SPEECH, "")


def test_a_published_clients_request_without_a_reward_fails_alone_and_says_why(reward_server, spoken):
    async def ask() -> list:
        bad = [asyncio.to_thread(published, reward_server, [5, 5], "今天", 3) for _ in range(3)]
        silent = [asyncio.to_thread(published, reward_server, [5, 5], "。") for _ in range(3)]
        good = [asyncio.to_thread(published, reward_server, tokens, text) for tokens, text in spoken[:6]]
        return await asyncio.gather(*bad, *silent, *good, return_exceptions=True)

    answers = asyncio.run(ask())
    reasons = [error.read().decode() for error in answers[:6]]  # HTTPError of each
    assert all("TOKEN_LENS is 3, TOKENS has 2" in reason for reason in reasons[:3])
    assert all("has nothing to be spoken" in reason for reason in reasons[3:])
    assert [answer["STATUS"] for answer in answers[6:]] == [0] * 6


def test_a_bad_row_gets_a_status_and_its_neighbours_are_unharmed(reward_server, spoken):
    tokens, text = spoken[0]
    good = text.encode()
    bad = {
        "speech token 1024 is not in 0..1023": ([5, 1024], 2, good, {}),
        "speech token -1 is not in": ([-1, 5], 2, good, {}),
        "no speech token": ([5], 0, good, {}),
        "10000 speech tokens, the server's max_tokens is 1024": ([5] * 10000, 10000, good, {}),
        "TOKEN_LENS is 3, TOKENS has 2": ([5, 5], 3, good, {}),
        "GT_TEXT is not UTF-8": (tokens, len(tokens), b"\xff\xfe", {}),
        "has nothing to be spoken": (tokens, len(tokens), "。".encode(), {}),
        "does not know the language ['xx']": (tokens, len(tokens), good, {"LANGUAGE": b"xx"}),
        "one voice without a name, got voice ['nobody']": (tokens, len(tokens), good, {"VOICE": b"nobody"}),
        f"CONTRACT is 1, this server's is {CONTRACT}": (tokens, len(tokens), good, {"contract": 1}),
    }

    async def ask() -> tuple[list, list]:
        rows = [asyncio.to_thread(raw_answer, reward_server, t, n, gt, **more) for t, n, gt, more in bad.values()]
        fine = [asyncio.to_thread(raw_answer, reward_server, tokens, len(tokens), good) for _ in bad]
        return await asyncio.gather(asyncio.gather(*rows), asyncio.gather(*fine))

    refused, fine = asyncio.run(ask())
    for message, answer in zip(bad, refused, strict=True):
        assert message in answer["MEASURES"]["message"]
        assert answer["STATUS"] != 0
        bad_speech = answer["STATUS"] == Status.BAD_SPEECH
        assert answer["REWARDS"] == 0.0 if bad_speech else np.isnan(answer["REWARDS"])
    assert {answer["STATUS"] for answer in fine} == {0}
    texts = [answer["MEASURES"]["transcript"] for answer in fine]
    assert texts[1:] == texts[:1] * (len(texts) - 1)


def test_a_refused_row_is_an_error_with_sample_text_and_reason(reward_server):
    with pytest.raises(RewardError, match=r"sample 0 \('今天'\).*FAILED.*voice"):
        measure(config_of(reward_server), [([1, 2, 3], "今天")], voice="nobody")
    with pytest.raises(RewardError, match=r"sample 0.*BAD_ROW.*nothing to be spoken"):
        measure(config_of(reward_server), [([1, 2, 3], "。")])


def test_tokens_that_nothing_can_speak_are_told_from_faults(reward_server):
    measures = measure(config_of(reward_server), [([1, 4000], "今天"), ([5] * 2000, "今天")])
    assert [m.status for m in measures] == [Status.BAD_SPEECH] * 2
    assert "speech token 4000 is not in 0..1023" in measures[0].message


def test_the_server_tells_recipe_contract_and_measures(reward_server):
    url = f"http://{reward_server.host}:{reward_server.http_port}/v2/models/token2wav_asr/config"
    with urllib.request.urlopen(url, timeout=300) as answer:
        tells = {name: value["string_value"] for name, value in json.load(answer)["parameters"].items()}
    assert tells["recipe"] == "tiny_mandarin" and tells["contract"] == str(CONTRACT)
    assert {"log_f0_std", "silence_ratio"} <= set(tells["measures"].split(","))
    assert set(json.loads(tells["loaded"])) == {"token2wav.model_dir", "asr.model_dir"}  # its token ear is off
    assert {"token2wav.sample_rate", "scorers.prosody.f0_speed", "recipe.seed"} < json.loads(tells["settings"]).keys()


def test_an_answer_tells_by_which_server_it_was_measured(reward_server, spoken):
    async def told() -> list[str | None]:
        client = RewardClient(config_of(reward_server))
        await client.ask(*spoken[0], "zh", 0)
        await client.close()
        return [server.digest for server in client._servers.servers]

    (digest,) = asyncio.run(told())
    assert re.fullmatch("[0-9a-f]{12}", digest)


def test_a_server_of_another_recipe_is_refused(reward_server, spoken):
    with pytest.raises(RewardError, match=r"is of recipe 'tiny_mandarin', not 'other'"):
        measure(config_of(reward_server, recipe="other"), spoken[:1])


def test_nobody_there_is_an_error_after_the_patience_and_never_a_score(ports):
    class Nobody:
        host, grpc_port = "127.0.0.1", ports[1]

    with pytest.raises(RewardError, match=r"sample 0.*no answer in .*run\.sh serve"):
        measure(config_of(Nobody, give_up_s=1.0), [([1], "今天")])


def score(server, completion: str, text: str, **changes) -> dict:
    kwargs = {"recipe": "tiny_mandarin", "reward": {**REWARD, **changes}}
    config = config_of(server)
    where = {k: getattr(config, k) for k in ServerConfig.__dataclass_fields__ if k not in ("recipe", "processes")}
    info = {"index": 7, "language": "zh", "voice": None}
    return asyncio.run(compute_score("tiny_mandarin", completion, text, info, server=where, **kwargs))


def test_compute_score_is_the_shaped_error_of_what_was_heard(reward_server, spoken):
    tokens, text = spoken[0]
    result = score(reward_server, format_speech_tokens(tokens) + "好", text, token_credit={"lead_tokens": 3})
    assert result["error_rate"] == error_of(text, result["transcript"], "zh", "pinyin")
    assert result["score"] == result["term_pinyin"] == pytest.approx(shape_tanh(result["error_rate"], 3.0))
    assert result["speaking_rate"] == pytest.approx(len(text.rstrip("。？！")) / result["duration_s"], rel=0.2)
    assert 0.0 < result["log_f0_std"] < 1.0 and 0.0 < result["confidence"] <= 1.0
    span = Span.from_info(result["server_span"])
    assert span.begin < span.end and (span.attempts, span.mismatches) == (1, 0)
    assert span.to_info() == result["server_span"]
    assert (result["num_tokens"], result["stray_text"], result["no_speech"]) == (len(tokens), 1.0, 0.0)
    assert result["duration_s"] == len(tokens) * 3 / 80
    assert len(result["token_credit"]) == len(tokens)
    assert "token_credit" not in score(reward_server, format_speech_tokens(tokens), text)


def test_a_completion_without_speech_scores_zero_by_definition_and_says_so(reward_server):
    result = score(reward_server, "好的", "今天", token_credit={"lead_tokens": 3})
    assert (result["score"], result["error_rate"], result["no_speech"], result["stray_text"]) == (0.0, 1.0, 1.0, 1.0)
    assert result["token_credit"] == []


def test_speech_outside_the_codebook_scores_its_lowest_by_definition_and_says_so(reward_server):
    bad = score(reward_server, "<|s_5|><|s_4000|>", "今天", token_credit={"lead_tokens": 3})
    good = score(reward_server, "<|s_5|><|s_6|>", "今天")
    assert (bad["score"], bad["error_rate"], bad["bad_speech"], bad["no_speech"]) == (0.0, 1.0, 1.0, 0.0)
    assert bad["token_credit"] == [1.0, 1.0]
    assert set(bad) == set(good) | {"token_credit"}  # verl wants the same keys from every sample


def test_a_text_with_nothing_to_speak_is_an_error(reward_server):
    with pytest.raises(ValueError, match=r"sample 7.*nothing to be spoken"):
        score(reward_server, "<|s_1|>", "……")


def test_some_rollouts_can_be_listened_to(reward_server, spoken, tmp_path, caplog):
    from verl_plugins.reward_metrics import Batch
    from verl_plugins.rollout_audio import RolloutAudio  # torch and TensorBoard, which no other test here wants

    def observed(by: RolloutAudio, step: int, infos: list[dict]) -> None:
        assert by.observe(Batch(step, infos, [], [], 1.0), {}) == {}

    where = f"{reward_server.host}:{reward_server.grpc_port}"
    audio = RolloutAudio(every=2, count=2, folder=tmp_path / "listen", address="127.0.0.1:9", more=[where])
    rows = [score(reward_server, format_speech_tokens(tokens), text) for tokens, text in spoken[:3]]
    silent = score(reward_server, "好", "今天")
    observed(audio, 1, rows)
    assert not (tmp_path / "listen").exists()  # not a step for it
    observed(audio, 2, [silent, *rows])
    lines = (tmp_path / "listen/rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert [(row["step"], row["text"]) for row in found] == [(2, text) for _, text in spoken[:2]]
    assert {"transcript", "score", "error_rate", "term_pinyin"} <= set(found[0])
    for row, (tokens, _) in zip(found, spoken, strict=False):
        wave, rate = soundfile.read(row["path"])
        assert rate == 24000 and len(wave) == len(tokens) * 900 and np.abs(wave).max() > 0.05
    observed(audio, 4, rows)
    assert len(list((tmp_path / "listen/tensorboard").glob("events.out.tfevents.*"))) == 1
    observed(RolloutAudio(every=1, count=1, folder=tmp_path / "none", address="127.0.0.1:9"), 1, rows)
    assert "no rollout to listen to" in caplog.text and not (tmp_path / "none").exists()


def test_a_taken_port_is_named_with_the_key_to_change(reward_server, built_recipe, ports):
    argv = [".venv-reward/bin/python", "-m", "reward_tts.server", "--config-path"]
    argv += [str(built_recipe.parents[1] / "recipes/tiny_mandarin"), "--config-name", "server"]
    argv += [f"recipe.work_dir={built_recipe.relative_to(built_recipe.parents[1])}"]
    argv += [f"recipe.server.http_port={ports[0]}", f"recipe.server.grpc_port={reward_server.grpc_port}"]
    argv += [f"recipe.server.metrics_port={ports[2]}"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=built_recipe.parents[1])
    assert done.returncode != 0
    assert f"port {reward_server.grpc_port} of 127.0.0.1 (recipe.server.grpc_port) is taken" in done.stderr
