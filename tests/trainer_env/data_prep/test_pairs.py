"""Pairs for preference training: of rewards and of votes, by hand."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.learned import remarks
from data_prep.pairs import best_of_scores, check_rows, main, of_preferences, of_scores, of_votes
from data_prep.prepare import Preparation
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.jsonl import BadRows
from stages.config import compose_stage
from stages.plan import plan


def write(path: Path, *rows: dict) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def scored(text: str, score: float, *tokens: int, **more) -> dict:
    return {"text": text, "score": score, "tokens": list(tokens), **more}


def test_the_best_and_the_worst_of_a_text_are_a_pair(tmp_path):
    rows = [scored("你好", 0.5, 1), scored("早", 0.9, 2), scored("你好", 0.9, 3), scored("你好", 0.2, 4)]
    rows += [scored("早", 0.85, 5), scored("走", 1.0, 6), scored("走", 0.1, 6)]  # too near; the same speech
    (pair,) = of_scores(write(tmp_path / "s.jsonl", *rows), 0.1)
    assert (pair["text"], pair["chosen"], pair["rejected"]) == ("你好", [3], [4])
    assert pair["margin"] == pytest.approx(0.7)


def test_completions_without_speech_are_left_out(tmp_path):
    rows = [scored("你好", 0.1), scored("你好", 0.5, 1), scored("你好", 0.9, 2), scored("早", 0.1)]
    (pair,) = of_scores(write(tmp_path / "s.jsonl", *rows), 0.1)
    assert (pair["chosen"], pair["rejected"]) == ([2], [1])


def test_speech_that_was_cut_off_is_never_the_better_and_says_so_where_it_is_worse(tmp_path, capsys):
    rows = [scored("你好", 0.9, 1, finished=False), scored("你好", 0.7, 2, finished=True)]
    rows += [scored("你好", 0.1, 3, finished=False), scored("早", 0.9, 4, finished=False)]
    path = write(tmp_path / "s.jsonl", *rows)
    (pair,) = of_scores(path, 0.1)
    assert (pair["chosen"], pair["rejected"], pair["margin"]) == ([2], [3], pytest.approx(0.6))
    assert {key: pair[key] for key in pair if key.endswith("finished")} == {"rejected_finished": False}
    assert [row["speech_tokens"] for row in best_of_scores(path, None)] == [[2]]
    cfg = compose_stage("tiny_mandarin", "prefer", (f"recipe.work_dir={tmp_path}", f"pairs.scored={path}"))
    main.__wrapped__(cfg)
    assert "1 pairs; 1 texts had no speech that ended by itself" in capsys.readouterr().out  # 早
    write(tmp_path / "s.jsonl", *rows[3:], scored("走", 0.5))  # which says nothing
    with pytest.raises(SystemExit, match=r"^no pair: .*; 1 texts had no speech that ended by itself"):
        main.__wrapped__(cfg)


def test_voices_of_one_text_are_not_compared(tmp_path):
    rows = [scored("早", 0.9, 1, voice="ana"), scored("早", 0.1, 2, voice="bo")]
    assert list(of_scores(write(tmp_path / "s.jsonl", *rows), 0.1)) == []
    rows = [scored("早", 0.9, 1, voice=""), scored("早", 0.1, 2), scored("早", 0.2, 3, voice=None)]  # stage score's ""
    (pair,) = of_scores(write(tmp_path / "s.jsonl", *rows), 0.1)
    assert (pair["voice"], pair["chosen"], pair["rejected"]) == (None, [1], [2])


def test_the_best_speech_of_each_text_is_a_row_for_sft(tmp_path):
    rows = [scored("你好", 0.5, 1), scored("早", 0.9, 2, voice="ana"), scored("你好", 0.8, 3), scored("走", 0.7, 4)]
    path = write(tmp_path / "s.jsonl", *rows)
    best = [{"text": "你好", "speech_tokens": [3]}, {"text": "早", "voice": "ana", "speech_tokens": [2]}]
    assert list(best_of_scores(path, 0.8)) == best
    assert list(best_of_scores(path, None)) == [*best, {"text": "走", "speech_tokens": [4]}]


def test_sft_on_the_best_says_where_it_does_not_go_on_from_the_model_that_spoke(tmp_path):
    """Llasa's SFT begins with the released model, whatever the rollouts' model learned before it spoke."""
    cfg = compose_stage("tiny_mandarin", "prefer", (f"recipe.work_dir={tmp_path}", f"pairs.best={tmp_path}/b.jsonl"))
    Path(cfg.pairs.rollouts).parent.mkdir()
    write(Path(cfg.pairs.rollouts), scored("你好", 0.9, 1), scored("你好", 0.1, 2))
    main.__wrapped__(cfg)
    data = compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={tmp_path}", f"recipe.sft_texts={cfg.pairs.best}"))
    data.prepare.splits = {"sft": data.prepare.splits.sft}
    build_tokenizer(["你好"], 8, data.recipe.tokenizer_dir)
    preparation = Preparation(data)
    preparation.run()
    assert not preparation.not_carried
    spoke = f"{tmp_path}/sft"  # recipe.sft_dir
    assert list(remarks([data.recipe.sft_train], data.recipe, f"{tmp_path}/sft/../sft")) == []
    for model, told in (("exp/base", "exp/base"), (None, "nothing")):
        (remark,) = remarks([data.recipe.sft_train], data.recipe, model)
        assert f"sft_train.parquet is speech of {spoke}, and this begins with {told}: recipe.sft_base" in remark
    cfg.pairs.scored = cfg.pairs.rollouts  # of a model that nobody names
    main.__wrapped__(cfg)
    assert "spoken_by" not in Path(cfg.pairs.best).read_text()


def test_a_row_that_is_not_scored_is_named(tmp_path):
    path = write(
        tmp_path / "s.jsonl", scored("早", 0.9, 1), {"text": "早", "tokens": [1]}, {"text": "早", "score": 1.0}
    )
    with pytest.raises(BadRows, match=r"(?s)s\.jsonl:2: field 'score'.*s\.jsonl:3: field 'tokens'"):
        list(of_scores(path, 0.1))


def test_instructions_of_one_text_are_not_compared(tmp_path):
    rows = [scored("早", 0.9, 1, instruction="慢"), scored("早", 0.1, 2, instruction="快"), scored("早", 0.5, 3)]
    rows += [scored("早", 0.3, 4, instruction="慢")]
    (pair,) = of_scores(write(tmp_path / "s.jsonl", *rows), 0.1)
    assert (pair["instruction"], pair["chosen"], pair["rejected"]) == ("慢", [1], [4])


def test_what_the_page_exports_is_taken(tmp_path):
    row = {"text": "早", "language": "zh", "chosen": [1, 2], "rejected": [3]}
    page = {"chosen_system": "GRPO", "rejected_system": "SFT", "who": "ann"}
    (pair,) = of_preferences(write(tmp_path / "p.jsonl", row | page))
    assert (pair["text"], pair["chosen"], pair["rejected"], pair["margin"]) == ("早", [1, 2], [3], 1.0)
    (cut,) = of_preferences(write(tmp_path / "p.jsonl", row | {"chosen_finished": False}))
    assert cut == pair | {"chosen_finished": False}
    with pytest.raises(BadRows, match=r"p\.jsonl:2: field 'rejected'"):
        list(of_preferences(write(tmp_path / "p.jsonl", row, row | {"rejected": []})))


@pytest.mark.parametrize(
    ("given", "modules"),
    [
        ([], ["infer.synthesise", "reward_tts.score", "data_prep.pairs", "sft.prefer"]),
        (["pairs.preferences=a.jsonl"], ["data_prep.pairs", "sft.prefer"]),
        (["pairs.votes=a.jsonl", "limit=3"], ["data_prep.pairs", "sft.prefer"]),
    ],
)
def test_rollouts_are_made_where_no_pairs_are_given(given, modules):
    _, (stage,) = plan("tiny_mandarin", "prefer", "prefer", given)
    assert [argv[2] for argv in stage.commands()] == modules
    cfg = compose_stage("tiny_mandarin", "prefer")
    assert cfg.output == cfg.pairs.rollouts == "exp/tiny_mandarin/prefer/SFT.rollouts.scored.jsonl"
    assert cfg.input == f"{cfg.tokens_dir}/SFT.rollouts.jsonl" and list(cfg.systems) == ["SFT"]
    assert cfg.token2wav._target_ == compose_stage("tiny_mandarin", "server").token2wav._target_


SPEECH = {"SFT": {0: [1, 2], 1: [3]}, "GRPO": {0: [1, 5], 1: [4]}}


@pytest.fixture
def spoken(tmp_path) -> dict[str, str]:
    files = {}
    for name, texts in SPEECH.items():
        rows = [{"index": i, "sample": 0, "text": f"第{i}", "tokens": tokens} for i, tokens in texts.items()]
        rows[1]["finished"] = name == "GRPO"  # text 1 of SFT was cut off
        rows.append({"index": 0, "sample": 1, "text": "第0", "tokens": [99]})
        files[name] = write(tmp_path / f"{name}.sampled.jsonl", *rows)
    return files


def vote(who: str, number: int, chosen: str | None, left: str = "SFT", right: str = "GRPO") -> dict:
    told = ["SFT", "GRPO", SPEECH["SFT"][number], SPEECH["GRPO"][number]]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]
    side = "same" if chosen is None else "A" if chosen == left else "B"
    row = {"when": "2026-11-29T02:00:00+00:00", "who": who, "pair": f"{number}-{key}", "text": f"第{number}"}
    return row | {"left": left, "right": right, "vote": side, "chosen": chosen}


def test_what_most_listeners_preferred_is_a_pair(spoken, tmp_path):
    votes = [vote("ann", 0, "GRPO"), vote("bob", 0, "GRPO", "GRPO", "SFT"), vote("cyd", 0, "SFT")]
    votes += [vote("ann", 1, "SFT"), vote("bob", 1, "GRPO")]  # undecided
    (pair,) = of_votes(write(tmp_path / "v.jsonl", *votes), spoken)
    assert (pair["text"], pair["chosen"], pair["rejected"], pair["margin"]) == ("第0", [1, 5], [1, 2], 1.0)


def test_who_votes_twice_has_changed_their_mind(spoken, tmp_path):
    votes = [vote("ann", 1, "GRPO"), vote("ann", 1, "SFT"), vote("bob", 1, None)]
    (pair,) = of_votes(write(tmp_path / "v.jsonl", *votes), spoken)
    assert (pair["chosen"], pair["rejected"], pair["margin"]) == ([3], [4], 1.0)
    assert pair["chosen_finished"] is False and "rejected_finished" not in pair


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"left": "DPO"}, "field 'left': DPO is none of pairs.spoken: SFT, GRPO"),
        ({"pair": "7-00000000"}, "field 'pair': SFT has not spoken text 7"),
        ({"pair": "0-00000000"}, "field 'pair': 0-00000000 is of other speech"),
        ({"chosen": None}, "field 'chosen': is None with the vote B"),
        ({"vote": "C"}, "field 'vote'"),
    ],
)
def test_a_vote_on_other_speech_is_refused_with_its_line(spoken, tmp_path, change, told):
    path = write(tmp_path / "v.jsonl", vote("ann", 0, "GRPO"), vote("bob", 0, "GRPO") | change)
    with pytest.raises(BadRows) as error:
        list(of_votes(path, spoken))
    assert "v.jsonl:2: " + told in str(error.value)


def test_a_vote_between_two_texts_is_refused(spoken, tmp_path):
    """GRPO alone was evaluated again, with other texts."""
    file = Path(spoken["GRPO"])
    file.write_text(file.read_text(encoding="utf-8").replace("第0", "第十"), encoding="utf-8")
    votes = write(tmp_path / "v.jsonl", vote("ann", 1, "GRPO"), vote("ann", 0, "GRPO"))
    with pytest.raises(
        BadRows, match=r"v\.jsonl:2: field 'pair': SFT and GRPO were not asked for the same under number 0"
    ):
        list(of_votes(votes, spoken))


def test_pairs_of_sentences_that_test_the_model_are_counted_or_refused(tmp_path, capsys):
    cfg = compose_stage("tiny_mandarin", "prefer", (f"recipe.work_dir={tmp_path}",))
    Path(cfg.recipe.data_dir).mkdir()
    test = pa.table({"extra_info": [{"text": "你好。", "language": "zh", "voice": None}]})
    pq.write_table(test, cfg.recipe.rl_test)
    rows = [{"text": text, "chosen": [1], "rejected": [2]} for text in ("你好！", "早上好")]
    cfg.pairs.preferences = write(tmp_path / "p.jsonl", *rows)
    main.__wrapped__(cfg)
    assert "1 of 2 pairs are sentences of recipe.rl_test" in capsys.readouterr().out
    assert len(Path(cfg.pairs.output).read_text().splitlines()) == 2
    cfg.pairs.scored = write(tmp_path / "s.jsonl", scored("你好", 0.9, 1), scored("你好", 0.1, 2))
    with pytest.raises(SystemExit, match=r"1 of 1 scored pairs are sentences of recipe\.rl_test"):
        main.__wrapped__(cfg)


def test_pairs_get_the_prompts_of_stage_data_and_tokens_are_of_the_codebook():
    recipe = compose_stage("tiny_mandarin", "prefer").recipe
    pair = {"text": "你好，世界！", "language": None, "voice": None, "chosen": [1], "rejected": [1023], "margin": 1.0}
    (found,) = check_rows([pair], recipe)
    assert found["messages"] == [{"role": "user", "content": "你好,世界!"}]
    with pytest.raises(BadRows, match="field 'rejected': has token 1024, the codebook ends at 1023"):
        check_rows([pair | {"rejected": [1024]}], recipe)
