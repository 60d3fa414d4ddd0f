#!/usr/bin/env bash
# xcodec2 0.1.5 calls a parameter of its SnakeBeta `bias` that the released weights and the training code call `beta`, and admits every transformers from
# 4.45.2. Up to 4.48 that library wrote beta as bias in whatever it loaded (for the layer norms of old checkpoints), so that the two fitted by chance; since
# 4.49.0 all of these parameters are left out, and what stands in their place depends on the version. A small model of the package's
# own ResidualUnit, saved with the released names and loaded by from_pretrained; how far its output is from the right one:
#     4.48.3    as trained                                               0
#     4.49.0    zeros, as they were before training                       0.18 of what the unit adds to its input
#     4.57.6    memory that nothing was written to                       another number each time
# The rest loads, and nothing but a warning ("newly initialized") says so; torch's load_state_dict(strict=False) leaves the zeros without
# one. (Reported in issue 24 of zhenye234/X-Codec-2.0, for 4.49.0.) Exits 1 if any of it changes (torch 2.13.0, CPU).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 einops==0.8.0 numpy==2.3.5
"$folder/venv/bin/pip" install -q --no-deps xcodec2==0.1.5
cat > "$folder/load.py" <<'PYTHON'
import importlib.util
import sys
import types

import torch
import transformers
from safetensors.torch import save_file

# The package's own __init__ files load torchtune and torchaudio, which this module does not use: they are passed by.
package = types.ModuleType("xcodec2")
package.__path__ = importlib.util.find_spec("xcodec2").submodule_search_locations
inner = types.ModuleType("xcodec2.vq")
inner.__path__ = [f"{package.__path__[0]}/vq"]
sys.modules |= {"xcodec2": package, "xcodec2.vq": inner}
from xcodec2.vq.module import ResidualUnit  # noqa: E402


class Small(transformers.PreTrainedModel):
    config_class = transformers.PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.unit = ResidualUnit(8)


folder, version = sys.argv[1:]
torch.manual_seed(0)
trained = Small(transformers.PretrainedConfig()).eval()
with torch.no_grad():
    for parameter in trained.parameters():
        parameter.normal_(std=0.5)
own = trained.state_dict()
released = {name.replace("act.bias", "act.beta"): value.clone() for name, value in own.items()}
trained.config.save_pretrained(folder)
save_file(released, f"{folder}/model.safetensors", metadata={"format": "pt"})
loaded = Small.from_pretrained(folder).eval()
plain = Small(trained.config)
plain.load_state_dict(released, strict=False)

lost = ["unit.block.0.act.bias", "unit.block.2.act.bias"]
others = [[name for name in own if not torch.equal(own[name], model.state_dict()[name])] for model in (loaded, plain)]
zeros = [not any(model.state_dict()[name].any() for name in lost) for model in (loaded, plain)]
wave = torch.randn(1, 8, 400)
with torch.inference_mode():
    right = trained.unit(wave)
    apart = ((loaded.unit(wave) - right).norm() / (right - wave).norm()).item()
print(f"transformers {transformers.__version__}: not as saved {others[0]}, zeros there: {zeros[0]}, output apart by {apart:.2g}")
same = transformers.__version__ == version and others[1] == lost and zeros[1]
if version == "4.48.3":
    same &= not others[0] and apart < 1e-6
elif version == "4.49.0":
    same &= others[0] == lost and zeros[0] and 0.05 < apart < 0.5
else:
    same &= others[0] == lost and not apart < 0.01  # what was in memory: it may be nan
sys.exit(not same)
PYTHON
for version in 4.48.3 4.49.0 4.57.6; do
    "$folder/venv/bin/pip" install -q "transformers==$version" 2> "$folder/pip.log" || { cat "$folder/pip.log"; exit 1; }  # it names xcodec2's pins
    mkdir "$folder/$version"
    "$folder/venv/bin/python" -W ignore "$folder/load.py" "$folder/$version" "$version"
done
