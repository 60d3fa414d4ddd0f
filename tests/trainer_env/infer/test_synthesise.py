"""infer.synthesise with a small random Qwen2 that has the recipe's tokenizer: vLLM against transformers."""

import json
from pathlib import Path

import pytest
import torch

from data_prep.prompts import PromptMaker
from infer.backends import TransformersBackend, first_seed, place
from infer.bounds import FrequencyPenalty
from infer.speak import synthesise
from infer.texts import prompt_ids, read_sentences
from tests.helpers.small_speaker import CONFIG, ENDS, MAX_TOKENS, TEXTS, configuration, overrides

SEED = "recipe.seed=1"  # by which both begin


def rows_of(work: Path, backend: str, decoding: str) -> list[dict]:
    return [json.loads(line) for line in (work / backend / f"M.{decoding}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def by_vllm(work, vllm_speaks) -> Path:
    """The command line, with vLLM; not all prompts fit into one batch."""
    vllm_speaks(CONFIG, "vllm.max_model_len=64", "vllm.max_num_batched_tokens=64", *overrides(work, "vllm"), SEED)
    return work


@pytest.fixture(scope="module")
def by_transformers(work) -> Path:
    synthesise(configuration(work, "transformers", SEED))
    return work


def test_greedy_tokens_of_vllm_and_transformers_are_equal(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "c"), rows_of(by_transformers, "transformers", "c")
    assert ours == reference
    assert [row["text"] for row in ours] == TEXTS
    assert len({tuple(row["tokens"]) for row in ours}) >= 3  # the texts do make a difference


def test_greedy_tokens_are_equal_with_vllms_penalties(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "g"), rows_of(by_transformers, "transformers", "g")
    assert ours == reference != rows_of(by_vllm, "vllm", "c")


def test_a_token_loses_the_penalty_each_time_it_was_written_behind_the_prompt():
    ids = torch.tensor([[3, 3, 1, 1, 0], [2, 3, 2, 3, 2]])  # prompts of two
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    found = FrequencyPenalty(2, 0.5)(ids, scores)
    assert found.tolist() == [[0.5, 1.0, 3.0, 4.0], [0.0, 0.0, -1.0, -0.5]]
    assert FrequencyPenalty(5, 0.5)(ids, scores).equal(scores)  # nothing is written yet


def test_no_compiler_runs_before_the_first_token(by_vllm, compiled):
    assert [path for path in compiled.rglob("*") if path.is_file()] == []


def test_repetition_aware_samples_of_vllm_and_transformers_are_equal(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "d"), rows_of(by_transformers, "transformers", "d")
    assert ours == reference
    assert [(row["index"], row["sample"]) for row in ours[:3]] == [(0, 0), (0, 1), (1, 0)]
    assert ours[0]["tokens"] != ours[1]["tokens"]  # each sample draws by a seed of its own


def test_an_interrupted_synthesis_goes_on_behind_what_it_said(by_transformers, tmp_path, monkeypatch):
    """At b75001f0 nothing of a file of texts was there before all of it was."""
    fewer = [f"~decodings.{name}" for name in "abefg"]
    cfg = configuration(by_transformers, "transformers", SEED, *fewer, f"tokens_dir={tmp_path}", "block=2", "+begun=x")
    asked, generate = [], TransformersBackend.generate

    def interrupted(self, prompts, *args, **more):
        if len(asked) == 4:
            asked.append("end")
            raise KeyboardInterrupt
        asked.append(len(prompts))
        return generate(self, prompts, *args, **more)

    monkeypatch.setattr(TransformersBackend, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthesise(cfg)
    with open(tmp_path / "M.d.jsonl.made_with_x.0of1", "a") as file:
        file.write('{"index": 2, "sample": 0}\n{"index": 2, "sample": 1}\n{"index": 3, "sam')  # killed while it wrote
    synthesise(cfg)
    assert asked == [2, 2, 1, 2, "end", 2, 1]  # of five texts: all by c, two by d; by d from there on
    for decoding in "cd":
        found = (tmp_path / f"M.{decoding}.jsonl").read_text()
        assert found == (by_transformers / "transformers" / f"M.{decoding}.jsonl").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["M.c.jsonl", "M.d.jsonl"]


@pytest.mark.parametrize("decoding", ["e", "f"])
def test_answers_have_as_many_tokens_as_their_texts_allow(by_vllm, by_transformers, decoding):
    ours, reference = rows_of(by_vllm, "vllm", decoding), rows_of(by_transformers, "transformers", decoding)
    assert ours == reference
    assert all(len(row["tokens"]) <= 3 * len(row["text"]) for row in ours)
    speech_alone = [row for row in ours if not row["stray"]]
    assert len({row["text"] for row in speech_alone}) > 1
    for row in speech_alone:  # a token for each character of this tokenizer: 2 to 3 speech tokens for each
        assert 2 * len(row["text"]) <= len(row["tokens"])
        assert row["finished"] or len(row["tokens"]) == 3 * len(row["text"])


def test_a_sampled_answer_depends_on_its_seed_alone(by_vllm):
    first, again = rows_of(by_vllm, "vllm", "a"), rows_of(by_vllm, "vllm", "b")
    assert first == again  # the same requests in the same process, after others
    assert [(row["index"], row["sample"]) for row in first[:4]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    same_text = [row["tokens"] for row in first if row["text"] == "你好"]
    assert len({tuple(tokens) for tokens in same_text}) == 4


def test_neighbouring_seeds_share_no_sample_of_a_text(work):
    seeds = [{(text, first_seed(seed, text, 8) + k) for text in range(240) for k in range(8)} for seed in (0, 1, 2)]
    assert len(set.union(*seeds)) == 3 * 240 * 8
    assert first_seed((1 << 32) - 1, 239, 8) == (1 << 32) - 1_000_003 + 239 * 8  # -1_000_003 + ..., modulo 2**32
    cfg = configuration(work, "transformers")
    backend = TransformersBackend(cfg.systems.M, cfg)
    maker = PromptMaker(cfg.recipe)
    prompts = prompt_ids(read_sentences(cfg, maker), backend.tokenizer, maker)[:1]
    one, other = (backend.generate(prompts, cfg.decodings.d, seed)[0] for seed in (0, 1))
    assert len({tuple(ids) for ids, _ in one + other}) == 4  # the second of seed 0 was the first of seed 1


def test_answers_end_by_themselves_or_at_the_limit(by_vllm):
    rows = rows_of(by_vllm, "vllm", "a")
    assert {row["finished"] for row in rows} == {True, False}
    for row in rows:
        assert len(row["tokens"]) <= MAX_TOKENS
        assert row["finished"] or row["stray"] or len(row["tokens"]) == MAX_TOKENS
        assert all(0 <= token < ENDS.start for token in row["tokens"])


def test_a_missing_checkpoint_is_named_before_anything_is_loaded(work):
    cfg = configuration(work, "vllm", "systems.M=nowhere")
    with pytest.raises(FileNotFoundError, match="no checkpoint of M in nowhere"):
        synthesise(cfg)


def test_an_unknown_backend_is_refused(work):
    with pytest.raises(ValueError, match=r"backend is one of \['transformers', 'vllm'\], got 'sglang'"):
        synthesise(configuration(work, "sglang"))


def test_the_reference_computes_in_float32_on_a_cpu_and_as_vllm_does_elsewhere(work):
    def of(*overrides: str) -> tuple:
        return place(configuration(work, "transformers", *overrides))

    own = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert of("vllm.dtype=bfloat16") == (own, torch.float32 if own.type == "cpu" else torch.bfloat16)
    assert of("transformers.device=cpu", "vllm.dtype=bfloat16") == (torch.device("cpu"), torch.float32)
    assert of("transformers.device=cuda:1", "vllm.dtype=bfloat16") == (torch.device("cuda:1"), torch.bfloat16)
    assert of("transformers.device=cpu", "transformers.dtype=float16")[1] == torch.float16
    with pytest.raises(ValueError, match=r"transformers\.dtype=tensor: no dtype of torch"):
        of("transformers.dtype=tensor")
