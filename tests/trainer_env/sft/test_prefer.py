"""Stage prefer with a small real model: TRL's loss by hand, and a model that learns what is better."""

import json
import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from data_prep.prompt_template import encode_answer, encode_prompt
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.prefer import examples, train
from stages.config import compose_stage

TEXT = "今天下雨"
MESSAGES = [{"role": "user", "content": TEXT}]
CHOSEN, REJECTED = [1, 2, 3], [4, 4, 4, 4]


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prefer")
    build_tokenizer([TEXT], 16, folder / "sft")
    tokenizer = AutoTokenizer.from_pretrained(folder / "sft")
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        num_key_value_heads=2,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **sizes,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder / "sft")
    rows = [{"text": TEXT, "messages": MESSAGES, "chosen": CHOSEN, "rejected": REJECTED}] * 8
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def configuration(work: Path, *more: str):
    told = [f"pairs.output={work}/pairs.jsonl", f"prefer.model={work}/sft", f"prefer.output={work}/preferred"]
    told += [f"prefer.checkpoints={work}/checkpoints", "prefer.training.learning_rate=0.01"]
    return compose_stage("tiny_mandarin", "prefer", (*told, *more))


def likelihood(folder: Path, answer: list[int]) -> float:
    """log p of an answer and its end after the prompt."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompt, said = encode_prompt(tokenizer, MESSAGES), encode_answer(tokenizer, answer)
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + said])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1)[range(len(said)), said].sum().item()


def test_pairs_are_encoded_as_in_every_stage_and_long_ones_refused(work):
    tokenizer = AutoTokenizer.from_pretrained(work / "sft")
    rows = examples(f"{work}/pairs.jsonl", tokenizer, 64)
    assert rows[0]["prompt_ids"] == encode_prompt(tokenizer, MESSAGES)
    assert rows[0]["chosen_ids"] == encode_answer(tokenizer, CHOSEN) and len(rows[0]["rejected_ids"]) == 5
    with pytest.raises(ValueError, match=r"has 18 ids, prefer\.max_length is 17"):
        examples(f"{work}/pairs.jsonl", tokenizer, 17)


def test_the_loss_is_dpos_and_the_better_answer_becomes_likelier(work, capfd):
    cfg = configuration(work, "prefer.training.num_train_epochs=4", "prefer.training.logging_steps=1")
    # As a stage runs it, in a process of its own: where TRL was imported verl finds it, and cannot prepare a model.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        logs = process.submit(train, cfg).result()
    out = capfd.readouterr().out
    assert "8 pairs, 4 steps" in out and "preferred in 100%" in out
    assert float(logs[0]["loss"]) == pytest.approx(math.log(2), abs=1e-3)  # model and reference are one at first
    before = likelihood(work / "sft", CHOSEN) - likelihood(work / "sft", REJECTED)
    after = likelihood(work / "preferred", CHOSEN) - likelihood(work / "preferred", REJECTED)
    assert after > before + 1


def test_only_the_weights_that_are_named_change(work, tmp_path):
    cfg = configuration(work, "prefer.trainable=['model\\.norm\\.weight']", f"prefer.output={tmp_path}/preferred")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(train, cfg).result()
    before, after = (AutoModelForCausalLM.from_pretrained(f) for f in (work / "sft", tmp_path / "preferred"))
    same = {name: torch.equal(w, after.get_parameter(name)) for name, w in before.named_parameters()}
    assert [name for name, kept in same.items() if not kept] == ["model.norm.weight"]
