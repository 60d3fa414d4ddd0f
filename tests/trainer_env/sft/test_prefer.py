"""Stage prefer with a small real model: TRL's loss by hand, and a model that learns what is better."""

import io
import json
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from data_prep.prompt_template import encode_answer, encode_prompt
from models.cosyvoice.speech_head import SpeechHeadQwen2Config, SpeechHeadQwen2ForCausalLM
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.prefer import examples, train
from stages.config import compose_stage
from tests.helpers.forked import server

TEXT = "今天下雨"
MESSAGES = [{"role": "user", "content": TEXT}]
CHOSEN, REJECTED = [1, 2, 3], [4, 4, 4, 4]


@pytest.fixture(scope="module", params=["Qwen2", "CosyVoice's head"])
def work(request, tmp_path_factory) -> Path:
    """A model, as it is or with a head that writes the end and speech tokens alone, and pairs."""
    folder = tmp_path_factory.mktemp("prefer")
    build_tokenizer([TEXT], 16, folder / "sft")
    tokenizer = AutoTokenizer.from_pretrained(folder / "sft")
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
    sizes |= {"vocab_size": len(tokenizer), "num_key_value_heads": 2, "pad_token_id": tokenizer.pad_token_id}
    sizes |= {"eos_token_id": (end := tokenizer.eos_token_id)}
    if request.param == "Qwen2":
        model = Qwen2ForCausalLM(Qwen2Config(**sizes))
    else:
        head = {"head_start": end, "head_size": len(tokenizer) - end, "head_bias": True, "tie_word_embeddings": False}
        model = SpeechHeadQwen2ForCausalLM(SpeechHeadQwen2Config(**sizes, **head))
        torch.nn.init.normal_(model.lm_head.bias)
        assert end > 0
    model.save_pretrained(folder / "sft")
    rows = [{"text": TEXT, "messages": MESSAGES, "chosen": CHOSEN, "rejected": REJECTED}] * 8
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def configuration(work: Path, *more: str):
    told = [f"pairs.output={work}/pairs.jsonl", f"prefer.model={work}/sft", f"prefer.output={work}/preferred"]
    told += [f"prefer.checkpoints={work}/checkpoints", "prefer.training.learning_rate=0.01"]
    return compose_stage("tiny_mandarin", "prefer", (*told, *more))


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    """As a stage trains, in a process of its own: where TRL was imported verl finds it, and cannot prepare a model."""
    with ProcessPoolExecutor(1, mp_context=server()) as started:
        yield started


def trained(cfg) -> tuple[list[dict], str]:
    """What `train` returned and printed."""
    with redirect_stdout(io.StringIO()) as out:
        return train(cfg), out.getvalue()


def likelihood(folder: Path, answer: list[int]) -> float:
    """log p of an answer and its end after the prompt."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompt, said = encode_prompt(tokenizer, MESSAGES), encode_answer(tokenizer, answer)
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + said])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1)[range(len(said)), said].sum().item()


def test_pairs_are_encoded_as_in_every_stage_and_long_ones_refused(work, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(work / "sft")
    rows = examples(f"{work}/pairs.jsonl", tokenizer, 64)
    assert rows[0]["prompt_ids"] == encode_prompt(tokenizer, MESSAGES)
    assert rows[0]["chosen_ids"] == encode_answer(tokenizer, CHOSEN) and len(rows[0]["rejected_ids"]) == 5
    row = {"text": TEXT, "messages": MESSAGES, "chosen": CHOSEN, "rejected": REJECTED, "rejected_finished": False}
    (tmp_path / "cut.jsonl").write_text(json.dumps(row))
    (cut,) = examples(f"{tmp_path}/cut.jsonl", tokenizer, 64)
    assert cut["chosen_ids"] == rows[0]["chosen_ids"] and cut["rejected_ids"] == rows[0]["rejected_ids"][:-1]
    with pytest.raises(ValueError, match=r"has 18 ids, prefer\.max_length is 17"):
        examples(f"{work}/pairs.jsonl", tokenizer, 17)


def test_the_loss_is_dpos_and_the_better_answer_becomes_likelier(work, process):
    cfg = configuration(work, "prefer.training.num_train_epochs=4", "prefer.training.logging_steps=1")
    logs, out = process.submit(trained, cfg).result()
    assert "8 pairs, 4 steps" in out and "preferred in 100%" in out
    assert float(logs[0]["loss"]) == pytest.approx(math.log(2), abs=1e-3)  # model and reference are one at first
    said = [likelihood(work / "sft", answer) for answer in (CHOSEN, REJECTED)]
    assert [logs[0]["logps/chosen"], logs[0]["logps/rejected"]] == pytest.approx(said, abs=1e-3)
    before = said[0] - said[1]
    after = likelihood(work / "preferred", CHOSEN) - likelihood(work / "preferred", REJECTED)
    assert after > before + 1


def test_cosyvoices_loss_is_dpo_of_means_and_the_chosens_cross_entropy(work, tmp_path, process):
    told = (
        "prefer.training.beta=0.01",
        "prefer.training.loss_type=[sigmoid_norm,sft]",
        f"prefer.output={tmp_path}/out",
    )
    logs, _ = process.submit(trained, configuration(work, *told, "prefer.training.logging_steps=1")).result()
    chosen = -likelihood(work / "sft", CHOSEN) / 4  # three speech tokens and the end
    assert float(logs[0]["loss"]) == pytest.approx(math.log(2) + chosen, abs=1e-3)


def test_only_the_weights_that_are_named_change(work, tmp_path, process):
    cfg = configuration(work, "prefer.trainable=['model\\.norm\\.weight']", f"prefer.output={tmp_path}/preferred")
    process.submit(trained, cfg).result()
    before, after = (AutoModelForCausalLM.from_pretrained(f) for f in (work / "sft", tmp_path / "preferred"))
    same = {name: torch.equal(w, after.get_parameter(name)) for name, w in before.named_parameters()}
    assert [name for name, kept in same.items() if not kept] == ["model.norm.weight"]
