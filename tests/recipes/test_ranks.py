"""The engine of verl_plugins/trainable.py on two ranks: one trains, saves, loads and merges what the other has half of.

Half a minute. The model is like CosyVoice's, whose head is not the embeddings: rank 1 begins with empty tensors and
gets the weights of rank 0.
"""

from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from omegaconf import OmegaConf
from safetensors.torch import load_file
from transformers import AutoTokenizer

from merge.merge import check, find_actor, merge
from models.cosyvoice.speech_head import SpeechHeadQwen2Config, SpeechHeadQwen2ForCausalLM
from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from tests.conftest import free_ports
from tests.helpers.forked import HEAVY, server
from tests.helpers.shards import SIZES
from tests.helpers.training_worker import train_as_one_of

ROWS = [f"actor_rollout_ref.actor.{key}" for key in ("optim.lr=0.01", "ppo_micro_batch_size_per_gpu=1")]
LORA = ["lora_rank=4", "lora_alpha=8", "target_modules=[q_proj,v_proj]", "lora.trained_weights=[embed_tokens]"]
LAYER = "model.layers.0.self_attn"
CHANGED = {  # by configuration; None: all
    "lora": {"model.embed_tokens.weight", f"{LAYER}.q_proj.weight", f"{LAYER}.v_proj.weight"},
    "final_norm": {"model.norm.weight"},
    "full": None,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face directory with a Qwen2 of one layer, whose head writes the ids 2 to 15."""
    folder = tmp_path_factory.mktemp("model")
    build_tokenizer(["今天"], 16, str(folder))
    own = {"head_start": 2, "head_size": 14, "head_bias": True, "tie_word_embeddings": False}
    vocabulary = len(AutoTokenizer.from_pretrained(folder))
    config = SpeechHeadQwen2Config(vocab_size=vocabulary, num_key_value_heads=2, **own, **SIZES)
    torch.manual_seed(0)
    SpeechHeadQwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """What train_as_one_of leaves, of one rank and of two."""
    more = {"lora": [f"actor_rollout_ref.model.{one}" for one in LORA]}
    configurations = {}
    for name in CHANGED:
        chosen = (f"tuning={name}", "algo=grpo", "kl=none", f"actor_rollout_ref.model.path={model}")
        cfg = compose_stage("tiny_mandarin", "grpo", (*chosen, *ROWS, *more.get(name, [])))
        configurations[name] = OmegaConf.to_container(cfg, resolve=True)
    folders = {ranks: tmp_path_factory.mktemp(f"ranks_{ranks}") for ranks in (1, 2)}
    server([*HEAVY, "tests.helpers.training_worker"])  # imported once, not by each rank
    for ranks, folder in folders.items():
        arguments = (ranks, free_ports(1)[0], str(folder), configurations)
        mp.start_processes(train_as_one_of, arguments, ranks, start_method="forkserver")
    return folders


@pytest.mark.parametrize("name", CHANGED)
def test_two_ranks_train_save_and_merge_what_one_does(model, trained, tmp_path, name):
    merged = {}
    for ranks, folder in trained.items():
        (folder / name / "latest_checkpointed_iteration.txt").write_text("2")
        actor, target = find_actor(str(folder / name), 2), tmp_path / str(ranks)
        assert len(list(actor.glob("model_world_size_*_rank_*.pt"))) == ranks
        target.mkdir()
        merge(actor, target, "float32")
        check(actor, target, "float32")
        merged[ranks] = load_file(target / "model.safetensors")
    before = load_file(model / "model.safetensors")
    changed = {key for key in before if not torch.equal(before[key], merged[2][key])}
    assert changed == (CHANGED[name] or set(before))
    of_rounding = f"{LAYER}.k_proj.bias"  # softmax does not see it: Adam makes steps of its gradient's rounding
    weights = [{key: value for key, value in merged[ranks].items() if key != of_rounding} for ranks in (1, 2)]
    torch.testing.assert_close(*weights, rtol=0, atol=1e-5)
    sent = torch.load(trained[2] / name / "sent.pt")
    assert sent.keys() >= merged[2].keys()
    for key, tensor in merged[2].items():
        torch.testing.assert_close(sent[key], tensor, rtol=0, atol=1e-6)


def test_a_gradient_of_one_rank_that_is_no_number_stops_all(trained):
    for ranks, folder in trained.items():
        for rank in range(ranks):
            assert "the gradient is not finite in update 3" in (folder / f"stopped_{rank}.txt").read_text()
