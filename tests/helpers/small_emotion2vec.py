"""emotion2vec as ModelScope has it, small: FunASR's own class with random weights."""

import json
from pathlib import Path

import torch
import yaml

from speech.funasr_import import funasr_module


def write_emotion2vec(folder: Path) -> None:
    """config.yaml, configuration.json, tokens.txt, model.pt; the labels are angry, happy, neutral and two more."""
    audio = {
        "type": "AUDIO",
        "feature_encoder_spec": "[(16, 10, 5), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 2, 2), (16, 2, 2)]",
        "extractor_mode": "layer_norm",
        "conv_pos_width": 9,
        "conv_pos_groups": 4,
        "conv_pos_depth": 3,
        "conv_pos_pre_ln": False,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "prenet_depth": 1,
        "prenet_layerdrop": 0.0,
        "prenet_dropout": 0.0,
        "decoder": None,
        "use_alibi_encoder": True,
        "local_grad_mult": 1.0,
        "num_extra_tokens": 2,
        "init_extra_token_zero": True,
        "model_depth": 2,
        "learned_alibi_scale_per_layer": False,
        "learned_alibi_scale_per_head": False,
        "num_alibi_heads": 2,
        "alibi_scale": 1.0,
        "learned_alibi_scale": False,
        "learned_alibi": False,
        "alibi_max_pos": None,
        "alibi_distance": None,
        "mask_prob": 0.0,
        "mask_length": 1,
        "inverse_mask": False,
        "mask_prob_adjust": 0.0,
        "keep_masked_pct": 0.0,
        "remove_masks": False,
        "add_masks": False,
        "mask_noise_std": 0.01,
        "mask_dropout": 0.0,
        "mask_channel_prob": 0.0,
        "mask_channel_length": 1,
        "ema_local_encoder": False,
    }
    model = {
        "embed_dim": 16,
        "num_heads": 2,
        "mlp_ratio": 2,
        "depth": 2,
        "norm_eps": 1e-5,
        "norm_affine": True,
        "layer_norm_first": False,
        "encoder_dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "post_mlp_drop": 0.0,
        "dropout_input": 0.0,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "end_of_block_targets": False,
        "average_top_k_layers": 2,
        "loss_beta": 0,
        "loss_scale": None,
        "normalize": True,
        "modalities": {"audio": audio},
    }
    labels = ["生气/angry", "开心/happy", "中立/neutral", "unuse_0", "<unk>"]
    config = {
        "model": "Emotion2vec",
        "model_conf": model,
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    (folder / "tokens.txt").write_text("\n".join(labels) + "\n")
    files = {"init_param": "model.pt", "tokenizer_conf": {"token_list": "tokens.txt"}, "config": "config.yaml"}
    (folder / "configuration.json").write_text(json.dumps({"framework": "pytorch", "file_path_metas": files}))
    torch.manual_seed(0)
    network = funasr_module("funasr.models.emotion2vec.model").Emotion2vec(model_conf=model, vocab_size=len(labels))
    torch.save({"model": network.state_dict()}, folder / "model.pt")
