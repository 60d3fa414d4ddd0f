"""GLM-TTS's flow against what the released class gave: literal values of a mel, for a batch of two rows.

They are those of Flow.inference_with_cache (flow/flow.py, flow/dit.py of zai-org/GLM-TTS, commit c5dc7ae), run outside
this repository row by row on the same weights, noise and voices. The largest difference there was 5e-7.
"""

import numpy as np
import pytest
import torch

from models.glm_tts.flow import Flow, FlowConfig

SMALL = {"speech_token_dim": 64, "vocab_size": 1000, "input_frame_rate": 25, "mel_framerate": 50}
SMALL |= {"spkr_emb_adaLN": True, "remove_spkr_concat_condition": True, "width": 64, "depth": 2, "heads": 1}
# Frames 0, 3 and the last one, bands 0, 17 and 79 of each.
GUIDED_BY_TOKENS = [
    [[0.511522, -0.213467, -0.254817], [-0.494089, -1.747839, -0.032576], [-1.274074, 0.301744, 0.03331]],
    [[0.10682, 0.563729, 1.245593], [0.868948, 0.421422, 0.058457], [-1.043656, -0.406572, 0.342715]],
]
NOT_BY_TOKENS = [
    [[0.614431, -0.196011, -0.228901], [-0.619794, -1.463464, -0.284287], [-1.041462, 0.109349, 0.258785]],
    [[0.237609, 0.656827, 1.227482], [0.952831, 0.362377, 0.132326], [-0.941878, -0.420343, 0.390686]],
]


def numbers(name: str, shape: torch.Size) -> torch.Tensor:
    """Weights that follow from their name, so that any program can make the same."""
    seed = sum(map(ord, name))
    values = 0.12 * np.sin(np.arange(1, shape.numel() + 1) * (0.37 + 0.01 * (seed % 29)) + seed)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape) * (20 if "text_embed" in name else 1)


def wavy(rows: int, columns: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.sin(np.arange(rows * columns) * 0.7 + seed).astype(np.float32)).reshape(rows, columns)


@pytest.mark.parametrize(("guided", "expected"), [(True, GUIDED_BY_TOKENS), (False, NOT_BY_TOKENS)])
def test_a_batch_of_two_rows_is_what_the_released_class_makes_of_each(guided, expected):
    flow = Flow(FlowConfig(**SMALL, speech_token_cfg=guided)).eval()
    kept = {name: value for name, value in flow.state_dict().items() if name.endswith("inv_freq")}
    flow.load_state_dict({name: numbers(name, value.shape) for name, value in flow.state_dict().items()} | kept)
    voices = [torch.tensor([7, 70, 700]), torch.tensor([9, 90])]
    said = [torch.arange(3, 12) * 37 % 1000, torch.arange(5, 10) * 53 % 1000]
    tokens = [torch.cat(pair) for pair in zip(voices, said, strict=True)]
    noise = [wavy(24, 80, 4), wavy(14, 80, 5)]
    mels = flow(tokens, [wavy(6, 80, 1), wavy(4, 80, 2)], wavy(2, 192, 3), noise, steps=4)
    assert [tuple(mel.shape) for mel in mels] == [(18, 80), (10, 80)]
    for mel, wanted in zip(mels, expected, strict=True):
        torch.testing.assert_close(mel[[0, 3, -1]][:, [0, 17, 79]], torch.tensor(wanted), rtol=0, atol=5e-6)
