"""The speaker model of seed-tts-eval: a checkpoint of its layout with small random weights, against torch's layers."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from transformers import WavLMConfig, WavLMModel

from reward_tts.reward.reward import Reward
from reward_tts.scorers.seed_tts_eval import SeedTTSEval, ecapa, wavlm_of
from reward_tts.server.instance import needed
from speech.interfaces import Row
from stages.config import ROOT, compose_stage
from stages.overrides import Rules, route

WIDTH, CHANNELS, WIDE, LAYERS, SLICES = 32, 16, 24, 3, 4
# {transformers' name: the name in the checkpoint}, of everything that is not a layer of its own
PLAIN = {
    "feature_projection.projection": "post_extract_proj",
    "feature_projection.layer_norm": "layer_norm",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original0": "encoder.pos_conv.0.weight_g",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original1": "encoder.pos_conv.0.weight_v",
    "encoder.pos_conv_embed.conv.bias": "encoder.pos_conv.0.bias",
    "masked_spec_embed": "mask_emb",
    ".attention.gru_rel_pos_linear": ".self_attn.grep_linear",
    ".attention.gru_rel_pos_const": ".self_attn.grep_a",
    ".attention.rel_attn_embed": ".self_attn.relative_attention_bias",
    ".feed_forward.intermediate_dense": ".fc1",
    ".feed_forward.output_dense": ".fc2",
}


def small_wavlm() -> WavLMModel:
    torch.manual_seed(0)
    sizes = dict(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=4, intermediate_size=40)
    sizes |= dict(conv_dim=[8] * 7, conv_bias=False, feat_extract_norm="layer", do_stable_layer_norm=True)
    sizes |= dict(num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4, num_buckets=320, max_bucket_distance=800)
    model = WavLMModel(WavLMConfig(**sizes)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape))
    return model


def published_names(model: WavLMModel) -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in model.state_dict().items():
        for ours, theirs in PLAIN.items():
            name = name.replace(ours, theirs)
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            name = name.replace(f".attention.{part}", f".self_attn.{part}")
        if name.startswith("encoder.layers."):
            name = name.replace(".layer_norm.", ".self_attn_layer_norm.")
        if name.startswith("feature_extractor"):
            name = name.replace(".conv.weight", ".0.weight").replace(".layer_norm.", ".2.1.")
        state[name] = tensor
    return state


class Relu(nn.Module):
    def __init__(self, inside: int, outside: int, kernel: int, padding: int = 0):
        super().__init__()
        self.conv, self.bn = nn.Conv1d(inside, outside, kernel, padding=padding), nn.BatchNorm1d(outside)

    def forward(self, x):
        return self.bn(self.conv(x).relu())


class Layer(nn.Module):
    def __init__(self, dilation: int):
        super().__init__()
        width = CHANNELS // SLICES
        self.Conv1dReluBn1, self.Conv1dReluBn2 = Relu(CHANNELS, CHANNELS, 1), Relu(CHANNELS, CHANNELS, 1)
        self.Res2Conv1dReluBn, self.SE_Connect = nn.Module(), nn.Module()
        convs = [nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation) for _ in range(SLICES - 1)]
        self.Res2Conv1dReluBn.convs = nn.ModuleList(convs)
        self.Res2Conv1dReluBn.bns = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(SLICES - 1))
        self.SE_Connect.linear1, self.SE_Connect.linear2 = nn.Linear(CHANNELS, 6), nn.Linear(6, CHANNELS)

    def forward(self, x):
        a, b, c, d = self.Conv1dReluBn1(x).split(CHANNELS // SLICES, dim=1)
        conv, norm = self.Res2Conv1dReluBn.convs, self.Res2Conv1dReluBn.bns
        a = norm[0](conv[0](a).relu())
        b = norm[1](conv[1](a + b).relu())
        c = norm[2](conv[2](b + c).relu())
        y = self.Conv1dReluBn2(torch.cat([a, b, c, d], dim=1))
        gate = torch.sigmoid(self.SE_Connect.linear2(self.SE_Connect.linear1(y.mean(2)).relu()))
        return x + gate.unsqueeze(2) * y


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature_weight = nn.Parameter(torch.randn(LAYERS + 1))
        self.layer1 = Relu(WIDTH, CHANNELS, 5, padding=2)
        self.layer2, self.layer3, self.layer4 = Layer(2), Layer(3), Layer(4)
        self.conv, self.pooling = nn.Conv1d(3 * CHANNELS, WIDE, 1), nn.Module()
        self.pooling.linear1, self.pooling.linear2 = nn.Conv1d(WIDE, 5, 1), nn.Conv1d(5, WIDE, 1)
        self.bn, self.linear = nn.BatchNorm1d(2 * WIDE), nn.Linear(2 * WIDE, 12)

    def forward(self, states):
        weights = self.feature_weight.softmax(0)
        x = sum(weight * state for weight, state in zip(weights, states, strict=True)).transpose(1, 2) + 1e-6
        one = self.layer1(nn.InstanceNorm1d(WIDTH)(x))
        two = self.layer2(one)
        three = self.layer3(two)
        x = self.conv(torch.cat([two, three, self.layer4(three)], dim=1)).relu()
        alpha = self.pooling.linear2(self.pooling.linear1(x).tanh()).softmax(2)
        mean = torch.sum(alpha * x, dim=2)
        std = torch.sqrt((torch.sum(alpha * x**2, dim=2) - mean**2).clamp(min=1e-9))
        return self.linear(self.bn(torch.cat([mean, std], dim=1)))


@pytest.fixture(scope="module")
def networks() -> tuple[WavLMModel, Head]:
    wavlm, head = small_wavlm(), Head().eval()
    with torch.no_grad():
        for name, tensor in head.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.is_floating_point():
                tensor.add_(0.2 * torch.randn(tensor.shape))
    return wavlm, head


@pytest.fixture(scope="module")
def checkpoint(networks, tmp_path_factory) -> Path:
    wavlm, head = networks
    state = {f"feature_extract.model.{name}": tensor for name, tensor in published_names(wavlm).items()}
    state |= head.state_dict() | {"feature_extract.model.final_proj.weight": torch.zeros(2, 2)}
    path = tmp_path_factory.mktemp("sim") / "wavlm_large_finetune.pth"
    torch.save({"model": state}, path)
    return path


def wave(seconds: float, pitch: float) -> np.ndarray:
    time = np.arange(int(seconds * 16000)) / 16000
    return (0.3 * np.sin(2 * np.pi * pitch * time) + 0.01 * np.random.default_rng(0).normal(size=len(time))).astype(
        "f4"
    )


@torch.inference_mode()
def test_an_embedding_is_what_the_two_networks_make(networks, checkpoint):
    scorer, (wavlm, head) = SeedTTSEval(str(checkpoint), {}), networks
    for sound in (wave(1.0, 200), wave(0.6, 120)):
        values = torch.from_numpy((sound - sound.mean()) / np.sqrt(sound.var() + 1e-5))[None].float()
        expected = head(wavlm(values, output_hidden_states=True).hidden_states)[0]
        found = torch.from_numpy(scorer.embed([sound])[0])
        assert found.shape == (12,) and torch.allclose(found, expected / expected.norm(), atol=1e-5)


def test_all_names_of_the_checkpoint_are_known_and_others_are_refused(networks):
    names = published_names(networks[0])
    for name in ("encoder.layers.0.self_attn.grep_a", "encoder.layers.2.fc1.weight", "layer_norm.bias", "mask_emb"):
        assert name in names
    model = wavlm_of(names)
    assert all(torch.equal(tensor, networks[0].state_dict()[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(ValueError, match=r"a WavLM has no feature_extract\.model\.encoder\.layers\.0\.fc3"):
        wavlm_of(names | {"encoder.layers.0.fc3": torch.zeros(1)})
    with pytest.raises(ValueError, match="is not WavLM-large"):
        wavlm_of({name: tensor for name, tensor in names.items() if not name.endswith("fc2.weight")})


def test_frames_of_silence_and_other_heads_have_numbers(networks):
    assert torch.isfinite(ecapa(networks[1].state_dict(), torch.zeros(LAYERS + 1, 1, 9, WIDTH))).all()


def test_a_voice_is_like_itself_and_the_group_names_the_file(checkpoint, tmp_path):
    soundfile.write(tmp_path / "ana.wav", wave(1.0, 200), 16000, subtype="FLOAT")
    scorer = SeedTTSEval(str(checkpoint), {"ana": str(tmp_path / "ana.wav")})
    rows = [Row(np.zeros(1, np.int32), "ana", "en")] * 2
    same, other = (one["speaker_similarity"] for one in scorer.measure([wave(1.0, 200), wave(1.0, 900)], rows))
    assert same == pytest.approx(1.0, abs=1e-5) and other < same
    chosen = compose_stage("cosyvoice2", "eval", ("scorers=seed_tts_eval",)).scorers.similarity
    assert chosen.checkpoint == "exp/cosyvoice2/pretrained/wavlm_large_finetune.pth"
    with pytest.raises(FileNotFoundError, match=r"wavlm_large_finetune\.pth, to which the README"):
        SeedTTSEval(chosen.checkpoint, {})


@pytest.mark.parametrize(("recipe", "name"), [("glm_tts", "xvector"), ("inworld_tts", "similarity")])
def test_it_is_the_rewards_measure_by_the_overrides_of_the_readme(recipe, name, checkpoint):
    told = (ROOT / f"recipes/{recipe}/README.md").read_text()
    given = re.findall(rf"'([+~]?scorers\.{name}\.\w+[^']*)'", told)
    cfg = compose_stage(recipe, "server", tuple(route(recipe, {"serve": ["server"]}, given, Rules())["serve"]))
    assert cfg.scorers[name].checkpoint == f"exp/{recipe}/pretrained/wavlm_large_finetune.pth"
    assert name in needed(cfg.scorers, Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True)))
    cfg.server.device, cfg.scorers[name].checkpoint, cfg.scorers[name].voices = "cpu", str(checkpoint), {}
    scorer = instantiate(cfg.scorers[name])
    assert type(scorer) is SeedTTSEval and "speaker_similarity" in scorer.provides
