"""infer.synthesise with a small random Qwen2 that has the recipe's tokenizer: vLLM against transformers."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from data_prep.tokenizer import build_tokenizer
from infer.synthesise import prompts_of, read_texts, synthesise

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "recipes" / "tiny_mandarin"
TEXTS = ["今天下雨", "你好", "我今年二十岁了", "明天", "你好"]  # one twice: its samples must differ all the same
MAX_TOKENS = 24


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A checkpoint and a file of texts."""
    folder = tmp_path_factory.mktemp("synthesis")
    build_tokenizer(TEXTS, 64, folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    model.save_pretrained(folder / "model")
    rows = [json.dumps({"text": text, "language": "zh"}, ensure_ascii=False) for text in TEXTS]
    (folder / "texts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def overrides(work: Path, backend: str) -> list[str]:
    one = "top_p: 1.0, top_k: -1, samples: "
    decodings = f"{{a: {{temperature: 1.0, {one}2}}, b: {{temperature: 1.0, {one}2}}, c: {{temperature: 0.0, {one}1}}}}"
    return [
        "~systems",
        f"+systems={{M: {work}/model}}",
        "~decodings",
        f"+decodings={decodings}",
        f"texts={work}/texts.jsonl",
        f"tokens_dir={work}/{backend}",
        f"backend={backend}",
        f"max_tokens={MAX_TOKENS}",
    ]


def configuration(work: Path, backend: str, *more: str) -> DictConfig:
    with initialize_config_dir(str(CONFIG), version_base=None):
        return compose("eval", [*overrides(work, backend), *more])


def rows_of(work: Path, backend: str, decoding: str) -> list[dict]:
    return [json.loads(line) for line in (work / backend / f"M.{decoding}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def by_vllm(work) -> Path:
    """The command line, with vLLM, in a process of its own, as run.sh does it; not all prompts fit into one batch."""
    argv = [".venv/bin/python", "-m", "infer.synthesise", "--config-path", str(CONFIG), "--config-name", "eval"]
    argv += ["vllm.max_model_len=64", "vllm.max_num_batched_tokens=64"]
    done = subprocess.run(argv + overrides(work, "vllm"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return work


@pytest.fixture(scope="module")
def by_transformers(work) -> Path:
    synthesise(configuration(work, "transformers"))
    return work


def test_greedy_tokens_of_vllm_and_transformers_are_equal(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "c"), rows_of(by_transformers, "transformers", "c")
    assert ours == reference
    assert [row["text"] for row in ours] == TEXTS
    assert len({tuple(row["tokens"]) for row in ours}) >= 3  # the texts do make a difference


def test_a_sampled_answer_depends_on_its_seed_alone(by_vllm):
    first, again = rows_of(by_vllm, "vllm", "a"), rows_of(by_vllm, "vllm", "b")
    assert first == again  # the same requests in the same process, after others
    assert [(row["index"], row["sample"]) for row in first[:4]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    same_text = [row["tokens"] for row in first if row["text"] == "你好"]
    assert len({tuple(tokens) for tokens in same_text}) == 4


def test_answers_end_by_themselves_or_at_the_limit(by_vllm):
    for row in rows_of(by_vllm, "vllm", "a"):
        assert len(row["tokens"]) <= MAX_TOKENS
        assert row["finished"] or row["stray"] or len(row["tokens"]) == MAX_TOKENS
        assert all(0 <= token < 64 for token in row["tokens"])


def test_the_prompt_is_the_recipes_template(work):
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    rows = [{"text": "你好", "voice": None}]
    (prompt,) = prompts_of(rows, tokenizer, "data_prep.prompt_template.chat", {})
    assert tokenizer.decode(prompt) == (
        "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n<|SPEECH_GENERATION_START|>"
    )


def test_a_missing_checkpoint_is_named_before_anything_is_loaded(work):
    cfg = configuration(work, "vllm", "systems.M=nowhere")
    with pytest.raises(FileNotFoundError, match="no checkpoint of M in nowhere"):
        synthesise(cfg)


def test_an_unknown_backend_is_refused(work):
    with pytest.raises(ValueError, match=r"backend is one of \['transformers', 'vllm'\], got 'sglang'"):
        synthesise(configuration(work, "sglang"))


def test_a_row_without_text_is_named_by_file_and_line(work, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": "你好"}\n{"text": ""}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 2, field text: expected something to say, got ''"):
        read_texts(configuration(work, "vllm", f"texts={tmp_path}/bad.jsonl"))


def test_limit_takes_the_first_texts(work):
    assert [row["text"] for row in read_texts(configuration(work, "vllm", "limit=2"))] == TEXTS[:2]


def test_one_sentence_of_the_command_line_is_a_text():
    with initialize_config_dir(str(CONFIG), version_base=None):
        cfg = compose("infer", ["text='你好，世界'"])
    assert read_texts(cfg) == [{"text": "你好，世界", "language": "zh", "voice": None}]
