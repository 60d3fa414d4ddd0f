"""What the processes of test_merge.py import, and no more: one does for all of them, which are forked from it."""

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import Qwen2Config, Qwen2ForCausalLM

SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 2}


def tiny_qwen2(vocabulary: int) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    names = ["Qwen2ForCausalLM"]  # as in every checkpoint that transformers wrote; the merger goes by it
    config = Qwen2Config(vocab_size=vocabulary, num_key_value_heads=2, architectures=names, **SIZES)
    config.tie_word_embeddings = True
    return Qwen2ForCausalLM(config)


def write_shard(rank: int, world_size: int, actor: str, vocabulary: int, fsdp_size: int) -> None:
    """One rank: shard the model by FSDP2 over gloo and save this rank's part; on a mesh of (ddp, fsdp), as verl's
    create_device_mesh makes it, where fsdp_size is below world_size."""
    rendezvous = f"file://{actor}/rendezvous"
    torch.distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=world_size)
    model = tiny_qwen2(vocabulary)
    copies = world_size // fsdp_size
    shape, names = ((copies, fsdp_size), ("ddp", "fsdp")) if copies > 1 else ((world_size,), ("fsdp",))
    fully_shard(model, mesh=init_device_mesh("cpu", shape, mesh_dim_names=names))
    torch.save(model.state_dict(), f"{actor}/model_world_size_{world_size}_rank_{rank}.pt")
    torch.distributed.destroy_process_group()
