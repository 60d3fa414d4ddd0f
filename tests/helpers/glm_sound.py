"""The half of GLM-TTS's release that makes sound, with random weights: flow/, hift/, frontend/, and a voice; run as a
program (.venv-reward, folder as argument), the scorers of its recipe too."""

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from safetensors.torch import save_file
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForAudioFrameClassification,
    WavLMConfig,
    WavLMForXVector,
)

from models.glm_tts.flow import Flow, FlowConfig
from models.glm_tts.token2wav import hift
from tests.helpers.onnx_file import write_speaker_net
from tests.helpers.small_emotion2vec import write_emotion2vec

# What the release's flow/config.yaml says; width, depth and heads are ours (released: 768, 18, 12).
FLOW = """flow: !new:flow.flow.Flow
  speech_token_dim: 64
  vocab_size: 32768
  input_frame_rate: 25
  mel_framerate: 50
  spkr_emb_adaLN: True
  speech_token_cfg: False
  remove_spkr_concat_condition: True
  width: 64
  depth: 2
  heads: 1
"""


def write_sound(folder: Path, width: int = 512) -> Path:
    """Writes the three, the vocoder as wide as told, and voices.jsonl with the voice `anna`; returns its path."""
    torch.manual_seed(0)
    for name in ("flow", "hift"):
        (folder / name).mkdir(parents=True)
    (folder / "flow" / "config.yaml").write_text(FLOW)
    rates = {"speech_token_dim": 64, "vocab_size": 32768, "input_frame_rate": 25, "mel_framerate": 50}
    rates |= {"spkr_emb_adaLN": True, "speech_token_cfg": False, "remove_spkr_concat_condition": True}
    flow = Flow(FlowConfig(**rates, width=64, depth=2, heads=1))
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.normal_(flow.estimator.text_emb_layer.text_embed.weight, std=3.0)  # so that tokens are heard
    torch.save({"model": flow.state_dict()}, folder / "flow" / "flow.pt")
    vocoder = hift(width)
    vocoder.conv_post.parametrizations.weight.original0.data *= 4  # so that the voice and the tokens are heard
    torch.save(vocoder.state_dict(), folder / "hift" / "hift.pt")
    rng = np.random.default_rng(0)
    write_speaker_net(folder / "frontend" / "campplus.onnx", rng.normal(size=(80, 192)))
    soundfile.write(folder / "anna.wav", 0.1 * np.sin(np.arange(32_000) / 30) + 0.01 * rng.normal(size=32_000), 16_000)
    voice = {"name": "anna", "text": "今天下雨", "speech_tokens": list(range(50)), "wav": "anna.wav"}
    (folder / "voices.jsonl").write_text(json.dumps(voice) + "\n")
    return folder / "voices.jsonl"


def write_scorers(folder: Path) -> None:
    """wavlm-base-plus-sv, laughter and emotion2vec_plus_large, small, of the real classes; laughter as it is published,
    bare weights with the configuration of another model beside them."""
    torch.manual_seed(0)
    encoder = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    encoder |= {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2}
    tdnn = {"tdnn_dim": (16, 16), "tdnn_kernel": (5, 1), "tdnn_dilation": (1, 1), "xvector_output_dim": 8}
    WavLMForXVector(WavLMConfig(**encoder, **tdnn)).save_pretrained(folder / "wavlm-base-plus-sv")
    Wav2Vec2Config(**encoder, architectures=["Wav2Vec2ForCTC"]).save_pretrained(folder / "laughter")
    laughter = Wav2Vec2ForAudioFrameClassification(Wav2Vec2Config(**encoder, num_labels=1))
    weights = {f"audio_model.{name}": value for name, value in laughter.state_dict().items()}
    save_file(weights, folder / "laughter" / "model.safetensors")
    for name in ("wavlm-base-plus-sv", "laughter"):
        Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder / name)
    (folder / "emotion2vec_plus_large").mkdir()
    write_emotion2vec(folder / "emotion2vec_plus_large")


if __name__ == "__main__":
    write_sound(Path(sys.argv[1]))
    write_scorers(Path(sys.argv[1]))
