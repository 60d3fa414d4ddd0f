"""Stage score: tokens and texts -> terms and rewards, by the models of the recipe."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.pairs import of_scores
from reward_tts.score import main, read, told_of_ear
from reward_tts.scored import Scored
from speech.files import read_jsonl
from speech.jsonl import BadRows
from speech.tokens import format_speech_tokens
from stages.config import compose_stage

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def scored(path: Path, built_recipe: Path, *overrides: str) -> tuple[str, list[dict]]:
    """What stage score says, and what it writes."""
    command = [sys.executable, "-m", "reward_tts.score", "--config-path", str(ROOT / "recipes/tiny_mandarin")]
    command += ["--config-name", "score", f"input={path}", f"recipe.inputs_dir={built_recipe}", *overrides]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, read_jsonl(path.with_suffix(".scored.jsonl"))


def config(path: Path, recipe: str = "tiny_mandarin"):
    return compose_stage(recipe, "score", (f"input={path}",))


def test_all_bad_rows_are_named_with_line_and_field(tmp_path):
    good = {"text": "你好", "tokens": [1, 2]}
    rows = [good, {"tokens": [1]}, {"text": "你好", "tokens": [1, -3]}, {"text": "。。", "tokens": [1]}]
    rows += [{"text": "你好"}, {"text": "你好", "tokens": [1], "voice": "mina"}]
    path = write(tmp_path / "bad.jsonl", *rows)
    with path.open("a") as file:
        file.write('{"text": "你好"\n')
    with pytest.raises(BadRows) as error:
        read(config(path))
    told = str(error.value).splitlines()[1:]
    assert [line.strip().removeprefix(f"{path}:").split(":")[0] for line in told] == ["2", "3", "4", "5", "6", "7"]
    fields = ("text", "tokens", "text", "tokens", "voice")
    assert all(f"field '{name}'" in line for name, line in zip(fields, told[:5], strict=True))
    assert "has nothing to be spoken" in told[2] and "there is no voice 'mina'" in told[4] and "is no JSON" in told[5]


def test_verls_dumps_and_the_published_fields_are_read(tmp_path):
    rows = [{"gts": "你好", "output": "<|s_7|><|s_0|>", "score": 0.5, "voice": ""}, {"text": "你好", "code": [7, 0]}]
    rows += [{**rows[1], "index": "VCTK_1", "emotion": label} for label in ("UNKNOWN", "Happy")]  # mair-hub's: a name
    found = read(config(write(tmp_path / "rows.jsonl", *rows)))
    same = ("你好", "<|s_7|><|s_0|>")
    assert [(line, given.text, given.completion) for line, _, given in found] == [(n, *same) for n in (1, 2, 3, 4)]
    assert [given.emotion for _, _, given in found] == [None, None, None, "happy"]


def test_an_emotion_that_the_recipe_does_not_know_is_refused_before_any_model(tmp_path):
    rows = [{"text": "你好", "tokens": [7], "emotion": label} for label in ("Sad", "UNKNOWN", "bored")]
    with pytest.raises(BadRows, match=r"field .emotion.: is .bored., known are angry, .*sad") as error:
        read(config(write(tmp_path / "rows.jsonl", *rows), "glm_tts"))
    assert "1 bad rows" in str(error.value)


def test_rows_are_scored_as_in_training(built_recipe, tmp_path):
    teacher = [json.loads(line) for line in (built_recipe / "data/test_teacher.jsonl").read_text().splitlines()[:3]]
    rows = [{"id": f"r{i}", "text": row["text"], "tokens": row["speech_tokens"]} for i, row in enumerate(teacher)]
    rows += [{"id": "as text", "text": teacher[0]["text"], "output": format_speech_tokens(rows[0]["tokens"])}]
    rows += [{"id": "silent", "text": "你好", "tokens": []}, {"id": "outside", "text": "你好", "tokens": [5000]}]
    rows += [{"id": "no int32", "text": "你好", "tokens": [7, 2**31]}]
    path = write(tmp_path / "rollouts.jsonl", *rows)
    said, found = scored(path, built_recipe)
    assert [row["id"] for row in found] == ["r0", "r1", "r2", "as text", "silent", "outside", "no int32"]
    weights = {name: term.weight for name, term in config(path).recipe.reward.terms.items()}
    for row in found[:3]:  # a weighted mean of its terms
        terms = [row[f"term_{name}"] * weight for name, weight in weights.items()]
        assert row["score"] == pytest.approx(sum(terms) / sum(weights.values())) and row["transcript"]
        assert row["duration_s"] > 0.5 and len(row["token_credit"]) == row["num_tokens"]
    assert found[3]["score"] == pytest.approx(found[0]["score"], abs=1e-6)
    assert found[3]["transcript"] == found[0]["transcript"]
    silent, outside, endless = found[4:]
    assert (endless["score"], endless["bad_speech"]) == (outside["score"], 1.0)
    assert (silent["no_speech"], silent["bad_speech"], silent["transcript"]) == (1.0, 0.0, "")
    assert (outside["no_speech"], outside["bad_speech"]) == (0.0, 1.0)
    assert silent["score"] == outside["score"] < min(row["score"] for row in found[:3])
    assert "7 rows: reward" in said and "token_ear_read" not in found[0]
    pairs = list(of_scores(str(tmp_path / "rollouts.scored.jsonl"), 0.0))  # stage prefer takes it as it is
    assert all(pair["voice"] is None for pair in pairs)


def test_the_token_ear_reads_rows_where_it_is_asked_to(built_recipe, tmp_path, capsys):
    teacher = [json.loads(line) for line in (built_recipe / "data/test_teacher.jsonl").read_text().splitlines()[:12]]
    rows = [{"text": row["text"], "tokens": row["speech_tokens"]} for row in teacher]
    path = write(tmp_path / "rollouts.jsonl", *rows, {"text": "你好", "tokens": []})
    wide = "recipe.reward.token_ear={audit: 0.3, unsure: 0.0, limit: 10.0, most_tokens: 1e3}"  # no evidence needed
    given = (f"input={path}", f"recipe.inputs_dir={built_recipe}", "read_tokens=true", wide)
    main.__wrapped__(compose_stage("tiny_mandarin", "score", given))
    said, found = capsys.readouterr().out, read_jsonl(path.with_suffix(".scored.jsonl"))
    ways = [{name: row[f"token_ear_{name}"] for name in ("read", "unsure", "audited", "closed")} for row in found]
    assert all(sum(way.values()) == 1.0 for way in ways[:12]) and not any(ways[12].values())
    read = sum(way["read"] for way in ways)
    assert read > 0 and f"the token ear read {read / 12:.0%} of the 12 that can be spoken" in said
    low, high = found[11]["token_ear_bias_low"], found[11]["token_ear_bias_high"]
    assert low < high and f"its reward is {low:+.4f} to {high:+.4f} from the wave's" in said
    assert "nothing was audited" in told_of_ear(found[12:])
    assert all(("log_f0_std" in row) and row["transcript"] for row in found[:12])


def test_stage_prefer_scores_the_same_speech_once(tmp_path, capsys):
    """Without the models, which are not loaded where the scores are there."""
    path = write(tmp_path / "rollouts.jsonl", {"text": "你好", "tokens": [1]})
    output = write(tmp_path / "rollouts.scored.jsonl", {"text": "你好", "tokens": [1], "score": 0.5})

    def config(*more: str, stage: str = "prefer"):
        return compose_stage("tiny_mandarin", stage, (f"input={path}", f"output={output}", *more))

    def is_there(*more: str, stage: str = "prefer") -> bool:
        return Scored(config(*more, stage=stage), str(output)).is_there()

    assert not is_there()
    Scored(config(), str(output)).record()
    assert is_there() and is_there("prefer.training.learning_rate=0.1", "recipe.server.http_port=9999")
    assert not is_there("recipe.reward.terms.pinyin.weight=2") and not is_there("read_tokens=false")
    assert not is_there("keep_scores=false") and not is_there(stage="score")
    main.__wrapped__(config())
    assert capsys.readouterr().out == f"scored already: {output}\n"
    write(path, {"text": "你好", "tokens": [2]})
    assert not is_there()
