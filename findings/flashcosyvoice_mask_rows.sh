#!/usr/bin/env bash
# stepaudio2-minicpmo 0.1.1 (its flashcosyvoice, for batches of texts) with diffusers 0.42.1: the mask of CosyVoice's flow grows with the square of the
# frames, by a factor of the heads and in each block anew, although it only says which frames are padding. The estimator makes it
# [2B, T, T], all rows equal, and diffusers repeats it by heads. Elements made in one step of a small random estimator
# (4 heads, 10 blocks, B texts of different lengths, with and without the condition), and with the mask's first row, [2B, 1, T], given to each block:
#     B 1, T 100        800000        8000
#     B 4, T 100       3200000       32000
#     B 4, T 200      12800000       64000        the mel is the same (without a mask another one)
# At the estimator's own sizes (8 heads, 56 blocks) 16 texts of 20 s at 50 frames a second make 1 GB in each block and step in
# float32, where the rows take 1 MB. (With streaming the rows differ.) Exits 1 if any of it changes (torch 2.13.0, CPU).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 diffusers==0.42.1 einops==0.8.2 numpy==2.3.5
"$folder/venv/bin/pip" install -q --no-deps stepaudio2-minicpmo==0.1.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.util
import sys
import types

import torch
from diffusers.models.attention_processor import Attention

# The package's own __init__ loads recognisers and vocoders, which the estimator does not use: it is passed by.
package = types.ModuleType("stepaudio2")
package.__path__ = importlib.util.find_spec("stepaudio2").submodule_search_locations
sys.modules["stepaudio2"] = package
from stepaudio2.flashcosyvoice.modules.flow_components.estimator import BasicTransformerBlock, CausalConditionalDecoder  # noqa: E402

HEADS, BLOCKS, MEL = 4, 10, 20  # 2 blocks before, 3 x 2 in the middle, 2 behind
sizes = []
prepare = Attention.prepare_attention_mask


def counted(self, *args, **kwargs):
    mask = prepare(self, *args, **kwargs)
    sizes.append(mask.untyped_storage().nbytes() // mask.element_size())
    return mask


def first_row(module, args, kwargs):
    mask = kwargs["attention_mask"]
    assert (mask == mask[:, :1]).all()  # so that all others are copies of it
    return args, kwargs | {"attention_mask": mask[:, :1]}


def no_mask(module, args, kwargs):
    return args, kwargs | {"attention_mask": torch.zeros_like(kwargs["attention_mask"])}


Attention.prepare_attention_mask = counted
torch.manual_seed(0)
settings = dict(in_channels=4 * MEL, out_channels=MEL, channels=[32], attention_head_dim=8, n_blocks=2, num_mid_blocks=3)
decoder = CausalConditionalDecoder(num_heads=HEADS, **settings).eval()
blocks = [module for module in decoder.modules() if isinstance(module, BasicTransformerBlock)]


@torch.inference_mode()
def step(batch, frames):
    """The mel of one step, of texts of different lengths, with and without the condition; elements of masks made for it."""
    sizes.clear()
    draw = torch.Generator().manual_seed(1)
    x, mu, cond = (torch.randn(2 * batch, MEL, frames, generator=draw) for _ in range(3))
    lengths = torch.linspace(frames // 2, frames, batch).long().repeat(2)
    mask = (torch.arange(frames) < lengths[:, None])[:, None].float()
    mel = decoder(x, mask, mu, torch.full((2 * batch,), 0.3), torch.randn(2 * batch, MEL, generator=draw), cond)
    return mel, list(sizes)


same = len(blocks) == BLOCKS
for batch, frames in ((1, 100), (4, 100), (4, 200)):
    mel, made = step(batch, frames)
    apart = []
    for change in (first_row, no_mask):
        hooks = [block.register_forward_pre_hook(change, with_kwargs=True) for block in blocks]
        other, few = step(batch, frames)
        for hook in hooks:
            hook.remove()
        apart.append((mel - other).abs().max().item() / mel.abs().max().item())
        if change is first_row:
            same &= few == [2 * batch * HEADS * frames] * BLOCKS
            print(f"{batch} texts of up to {frames} frames: {sum(made)} elements, of the first row alone {sum(few)}", end="; ")
    print(f"mel other by {apart[0]:.1e} of its largest value, without a mask by {apart[1]:.1e}")
    same &= made == [2 * batch * HEADS * frames**2] * BLOCKS and apart[0] < 1e-5 and (batch == 1 or apart[1] > 1e-3)
sys.exit(not same)
PYTHON
