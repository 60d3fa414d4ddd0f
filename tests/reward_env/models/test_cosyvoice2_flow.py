"""CosyVoice2's flow against what the official package gave: literal values of a mel, for a batch of two rows.

They are those of CausalMaskedDiffWithXvec.inference of cosyvoice-minicpmo 0.1.0 (the official package), run row by row
on the same weights beside packages that this environment has not (conformer, matcha); the difference there was 0.
"""

from pathlib import Path

import numpy as np
import torch

from models.cosyvoice.release import load_flow, read_config
from tests.helpers.cosyvoice_decoder import CODEBOOK, SMALL, weights_by_formula, write_decoder

# Bands 0, 17 and 79 of the frames 0, 3 and the last one.
OFFICIAL = [
    [[-0.3493, -2.14258, -1.14031], [-1.29741, -0.45598, 1.2173], [1.81988, -0.31938, 1.68092]],
    [[0.8164, -1.12772, 0.06992], [-2.14853, 1.18929, -0.77199], [1.20472, -1.64719, 0.59675]],
]


def wavy(rows: int, columns: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.sin(np.arange(rows * columns) * 0.7 + seed).astype(np.float32)).reshape(rows, columns)


def loaded(folder: Path) -> torch.nn.Module:
    write_decoder(folder, SMALL["cosyvoice2"])
    flow = load_flow(folder, read_config(folder), steps=10)
    with torch.no_grad():
        weights_by_formula(flow)
    return flow


def two_rows(flow: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Mels [2, 80, frames] with the prompts', and their numbers of frames."""
    voices = [torch.tensor([7, 70, 20]), torch.tensor([9, 60])]
    said = [torch.arange(3, 12) * 37 % CODEBOOK, torch.arange(5, 10) * 53 % CODEBOOK]
    tokens = [torch.cat(pair) for pair in zip(voices, said, strict=True)]
    mels = [wavy(6, 80, 1), wavy(4, 80, 2)]
    pad = torch.nn.utils.rnn.pad_sequence
    with torch.inference_mode():
        return flow(
            pad(tokens, batch_first=True),
            torch.tensor([12, 7]),
            pad(mels, batch_first=True),
            torch.tensor([6, 4]),
            torch.cat([wavy(1, 192, 3), wavy(1, 192, 4)]),
            streaming=False,
            finalize=True,
        )


def test_a_batch_of_two_rows_is_what_the_official_flow_makes_of_each(tmp_path: Path):
    found, frames = two_rows(loaded(tmp_path))
    assert frames.tolist() == [24, 14]
    for mel, start, end, official in zip(found, (6, 4), (24, 14), OFFICIAL, strict=True):
        chosen = mel[:, start:end][[0, 17, 79]][:, [0, 3, -1]].T
        torch.testing.assert_close(chosen, torch.tensor(official), rtol=0, atol=2e-5)


def test_attention_gets_one_mask_for_all_queries_and_says_the_same(tmp_path: Path):
    """At 504d2c94 a mask for each query of each head: 2 rows and 2 for the guidance, 24 frames."""
    flow, shapes = loaded(tmp_path), []
    blocks = [m for m in flow.decoder.estimator.modules() if type(m).__name__ == "BasicTransformerBlock"]
    for block in blocks:
        block.attn1.register_forward_pre_hook(
            lambda _module, _args, kwargs: shapes.append(tuple(kwargs["attention_mask"].shape)), with_kwargs=True
        )
    found, _ = two_rows(flow)
    assert len(shapes) == 10 * len(blocks) and set(shapes) == {(4, 1, 24)}
    for block in blocks:
        block._forward_pre_hooks.clear()
    wanted, _ = two_rows(flow)
    assert shapes[-1] == (4, 24, 24)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
