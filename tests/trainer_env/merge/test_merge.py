"""merge: real FSDP2 shards of a small Qwen2, written as verl's checkpoint manager writes them."""

import json
from pathlib import Path
from pickle import UnpicklingError

import pytest
import torch
import torch.multiprocessing as mp
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, GenerationConfig, LlamaConfig, Qwen2ForCausalLM

from merge.choose import NoChoice
from merge.merge import (
    MissingCheckpoint,
    average,
    check,
    find_actor,
    full_weights,
    keep_adapter,
    merge,
    older_names,
    older_rope,
    steps_there,
    wanted,
)
from models.tiny_mandarin.tokenizer import build_tokenizer
from tests.helpers.forked import server
from tests.helpers.saved_steps import save_steps
from tests.helpers.shards import SIZES, tiny_qwen2, write_shard


def write_checkpoint(root: Path, step: int, world_size: int = 1, fsdp_size: int = 1) -> Path:
    """global_step_<step>/actor as verl lays it out; returns the actor's directory."""
    actor = root / f"global_step_{step}" / "actor"
    actor.mkdir(parents=True)
    build_tokenizer(["今天"], 16, actor / "huggingface")
    vocabulary = len(AutoTokenizer.from_pretrained(actor / "huggingface"))
    tiny_qwen2(vocabulary).config.save_pretrained(actor / "huggingface")
    GenerationConfig(max_new_tokens=7).save_pretrained(actor / "huggingface")
    (actor / "fsdp_config.json").write_text(json.dumps({"FSDP_version": 2, "world_size": world_size}))
    server()  # torch is imported once, not by each rank
    mp.start_processes(
        write_shard, (world_size, str(actor), vocabulary, fsdp_size), world_size, start_method="forkserver"
    )
    (root / "latest_checkpointed_iteration.txt").write_text(str(step))
    return actor


@pytest.fixture(scope="module", params=[(1, 1), (2, 2), (4, 2)], ids=["one_rank", "two_ranks", "two_copies_of_two"])
def actor(request, tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("grpo"), 3, *request.param)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_merged_weights_are_the_models_weights_in_the_dtype_asked_for(actor, tmp_path, dtype):
    merge(actor, tmp_path, dtype)
    assert check(actor, tmp_path, dtype) == 14  # embedding, final norm, 12 of the layer; the head is tied
    vocabulary = len(AutoTokenizer.from_pretrained(tmp_path))
    wanted = tiny_qwen2(vocabulary).to(getattr(torch, dtype)).state_dict()
    merged = Qwen2ForCausalLM.from_pretrained(tmp_path)  # the dtype is the checkpoint's own
    assert merged.dtype == getattr(torch, dtype)
    for name, tensor in merged.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name


def test_tokenizer_and_generation_config_come_along(actor, tmp_path):
    merge(actor, tmp_path, "float32")
    assert AutoTokenizer.from_pretrained(tmp_path).encode("<|s_15|>", add_special_tokens=False) == (
        AutoTokenizer.from_pretrained(actor / "huggingface").encode("<|s_15|>", add_special_tokens=False)
    )
    assert GenerationConfig.from_pretrained(tmp_path).max_new_tokens == 7


def test_a_changed_weight_is_found_and_named(actor, tmp_path):
    merge(actor, tmp_path, "float32")
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.norm.weight"][5] += 1e-6
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.norm\.weight is not what the shards"):
        check(actor, tmp_path, "float32")


def shards_of_one_rank(root: Path, change: str) -> Path:
    """A checkpoint of one process without DTensors whose tensor `change` is no longer what it was."""
    actor = root / "global_step_1" / "actor"
    (actor / "huggingface").mkdir(parents=True)
    model = tiny_qwen2(20)
    model.config.save_pretrained(actor / "huggingface")
    (actor / "fsdp_config.json").write_text('{"world_size": 1}')
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state[change] += 1.0
    torch.save(state, actor / "model_world_size_1_rank_0.pt")
    return actor


def test_a_tied_head_that_came_apart_from_its_embeddings_is_not_replaced(tmp_path):
    with pytest.raises(ValueError, match=r"lm_head\.weight is not model\.embed_tokens\.weight any more"):
        full_weights(shards_of_one_rank(tmp_path, "lm_head.weight"))


def lora_of_one_rank(root: Path) -> tuple[Path, Path]:
    """(checkpoint with an adapter of rank 2 on one layer, the model that it began with)."""
    actor, base = shards_of_one_rank(root, "model.norm.weight"), root / "base"
    state = torch.load(actor / "model_world_size_1_rank_0.pt")
    state = {f"base_model.model.{name}": one for name, one in state.items()}
    q_proj = "base_model.model.model.layers.0.self_attn.q_proj"
    state[f"{q_proj}.base_layer.weight"] = state.pop(f"{q_proj}.weight")
    state |= {
        f"{q_proj}.lora_A.default.weight": torch.ones(2, 64),
        f"{q_proj}.lora_B.default.weight": torch.ones(64, 2),
    }
    torch.save(state, actor / "model_world_size_1_rank_0.pt")
    (actor / "lora_train_meta.json").write_text('{"r": 2, "lora_alpha": 3, "task_type": "CAUSAL_LM"}')
    tiny_qwen2(20).save_pretrained(base)
    return actor, base


def test_an_adapter_is_kept_with_what_was_trained_whole(tmp_path):
    """A and B of ones: alpha / r * B A is 3 / 2 * 2 everywhere. The norm is another than the base's by 1."""
    actor, base = lora_of_one_rank(tmp_path)
    keep_adapter(actor, str(tmp_path / "adapter"), str(base))
    kept = PeftModel.from_pretrained(Qwen2ForCausalLM.from_pretrained(base), tmp_path / "adapter").merge_and_unload()
    before, after, merged = tiny_qwen2(20).state_dict(), kept.state_dict(), full_weights(actor)
    added = {"model.layers.0.self_attn.q_proj.weight": 3.0, "model.norm.weight": 1.0}
    for name, tensor in merged.items():
        torch.testing.assert_close(tensor, before[name] + added.get(name, 0.0))
        torch.testing.assert_close(after[name], tensor)
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"other lacks \['lm_head\.weight', 'model\.embed_tokens\.weight'"):
        keep_adapter(actor, str(tmp_path / "adapter"), str(tmp_path / "other"))
    with pytest.raises(ValueError, match="holds no LoRA adapter: tuning=lora"):
        keep_adapter(shards_of_one_rank(tmp_path / "plain", "model.norm.weight"), str(tmp_path / "none"), str(base))


class Code:
    """What a checkpoint has no business to hold."""

    def __reduce__(self):
        return print, ("run while a checkpoint was read",)


def test_a_shard_that_holds_code_is_refused_and_not_run(tmp_path, capsys):
    actor = shards_of_one_rank(tmp_path, "model.norm.weight")
    torch.save({"model.norm.weight": Code()}, actor / "model_world_size_1_rank_0.pt")
    with pytest.raises(UnpicklingError, match="weights_only"):
        full_weights(actor)
    assert "run while" not in capsys.readouterr().out


def test_an_unknown_dtype_is_refused(actor, tmp_path):
    with pytest.raises(ValueError, match=r"merge\.dtype is one of \['bfloat16', 'float32'\], got 'fp8'"):
        merge(actor, tmp_path, "fp8")


def empty_checkpoint(root: Path, step: int) -> Path:
    """Names of a whole checkpoint's files, nothing in them: enough for the search."""
    actor = root / f"global_step_{step}" / "actor"
    (actor / "huggingface").mkdir(parents=True)
    (actor / "fsdp_config.json").write_text('{"world_size": 1}')
    for name in ("model_world_size_1_rank_0.pt", "huggingface/config.json", "huggingface/tokenizer_config.json"):
        (actor / name).touch()
    return actor


def test_no_checkpoint_is_said_with_the_stage_that_makes_one(tmp_path):
    with pytest.raises(MissingCheckpoint, match=r"no complete checkpoint .* run the stage `train` first"):
        find_actor(str(tmp_path), None)


def test_the_newest_step_is_the_largest_number_not_the_last_name(tmp_path):
    wanted = empty_checkpoint(tmp_path, 10)
    empty_checkpoint(tmp_path, 9)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    assert find_actor(str(tmp_path), None) == wanted


def test_an_interrupted_newer_step_is_passed_over(tmp_path):
    wanted = empty_checkpoint(tmp_path, 5)
    empty_checkpoint(tmp_path, 10)  # whole to look at, but verl's tracker does not know it yet
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("5")
    assert find_actor(str(tmp_path), None) == wanted


def test_a_step_with_a_missing_shard_is_passed_over_and_named_when_asked_for(tmp_path):
    wanted = empty_checkpoint(tmp_path, 5)
    (empty_checkpoint(tmp_path, 10) / "model_world_size_1_rank_0.pt").unlink()
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    assert find_actor(str(tmp_path), None) == wanted
    with pytest.raises(MissingCheckpoint, match=r"model_world_size_1_rank_0\.pt"):
        find_actor(str(tmp_path), 10)


def test_a_step_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    empty_checkpoint(tmp_path, 5)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("5")
    with pytest.raises(MissingCheckpoint, match=r"no global_step_7 .* the steps \[5\]"):
        find_actor(str(tmp_path), 7)


def test_the_mean_of_two_checkpoints_by_hand(tmp_path):
    actors = []
    for step, scale in ((1, 1.0), (2, 3.0)):
        folder = shards_of_one_rank(tmp_path / str(step), "model.norm.weight")
        path = folder / "model_world_size_1_rank_0.pt"
        torch.save({name: tensor * scale for name, tensor in torch.load(path, weights_only=False).items()}, path)
        actors.append(folder)
    first, mean = full_weights(actors[0]), average(actors)
    assert all(torch.equal(mean[name], first[name] * 2) and mean[name].dtype == first[name].dtype for name in first)
    assert all(torch.equal(average(actors[:1])[name], first[name]) for name in first)


def test_the_best_steps_are_what_the_ranking_says(tmp_path):
    ranking, grpo = tmp_path / "best.json", str(tmp_path)
    with pytest.raises(MissingCheckpoint, match="stage checkpoints"):
        wanted("best", 1, str(ranking), grpo)
    ranking.write_text(json.dumps({"ranking": [{"step": 30}, {"step": 10}, {"step": 20}]}))
    assert (wanted("best", 1, str(ranking), grpo), wanted("best", 2, str(ranking), grpo)) == ([30], [30, 10])
    assert (wanted(7, 1, "", grpo), wanted(None, 1, "", grpo)) == ([7], [None])
    with pytest.raises(ValueError, match="3 can be taken"):
        wanted("best", 4, str(ranking), grpo)
    with pytest.raises(ValueError, match=r"merge\.average=2 is of the best checkpoints"):
        wanted(7, 2, "", grpo)
    with pytest.raises(ValueError, match=r"merge\.step=first: a step, best, or null"):
        wanted("first", 1, "", grpo)


def test_saved_steps_that_were_never_ranked_are_named(tmp_path, capsys):
    """A run that went on after stage checkpoints."""
    save_steps(tmp_path / "grpo", 8, 16, 20, 32)
    ranking = tmp_path / "best.json"
    ranking.write_text(json.dumps({"ranking": [{"step": 16}, {"step": 8}]}))
    assert wanted("best", 1, str(ranking), str(tmp_path / "grpo")) == [16]
    assert "best.json: saved steps [20, 32]; stage checkpoints ranks them" in capsys.readouterr().out


def test_a_ranked_step_from_behind_an_alarm_is_not_taken(tmp_path, capsys):
    """The ranking is by error alone, which flat pitch or a loud voice does not raise."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard/alarm.json").write_text('{"action": "stop", "since": 9, "last_good": 8, "why": "flat pitch"}')
    ranking = tmp_path / "best.json"
    ranking.write_text(json.dumps({"ranking": [{"step": 12}, {"step": 8}]}))
    assert wanted("best", 1, str(ranking), str(tmp_path)) == [8]
    assert "guard/alarm.json): steps [12]" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"of .*best\.json 1 can be taken"):
        wanted("best", 2, str(ranking), str(tmp_path))
    ranking.write_text(json.dumps({"ranking": [{"step": 12}]}))
    with pytest.raises(NoChoice, match=r"merge\.step=N"):
        wanted("best", 1, str(ranking), str(tmp_path))
    assert wanted(12, 1, str(ranking), str(tmp_path)) == [12]


def test_whole_steps_up_to_the_trackers_are_merged(tmp_path):
    actor = write_checkpoint(tmp_path, 2)
    for step in (1, 3):
        actor.parent.with_name(f"global_step_{step}").symlink_to(actor.parent)
    (tmp_path / "global_step_0" / "actor").mkdir(parents=True)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("2")
    assert steps_there(str(tmp_path)) == [1, 2]  # 0 is not whole, 3 was interrupted


def test_merged_settings_are_read_by_the_families_own_code_too(actor, tmp_path):
    """Which has transformers 4: seen with 4.53.2, where theta was 10 000 and the tokenizer could not be made."""
    merge(actor, tmp_path, "float32")
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings["rope_theta"] == settings["rope_parameters"]["rope_theta"] == 10_000.0
    assert settings["rope_scaling"] is None
    told = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert "extra_special_tokens" not in told
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (actor / "huggingface", tmp_path))
    assert after.all_special_tokens == before.all_special_tokens


def test_scaled_rope_of_a_llama_survives_both_ways_of_writing_it(tmp_path):
    scaling = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaling["original_max_position_embeddings"] = 8192
    written = {"rope_parameters": {"rope_theta": 500_000.0, **scaling}}
    assert older_rope(written) == {"rope_theta": 500_000.0, "rope_scaling": scaling}
    config = LlamaConfig(**SIZES, max_position_embeddings=131_072, **written)
    config.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | older_rope(settings)))
    assert LlamaConfig.from_pretrained(tmp_path).rope_parameters == config.rope_parameters
    assert older_names({"tokenizer_class": "TokenizersBackend"}) == {"tokenizer_class": "PreTrainedTokenizerFast"}
