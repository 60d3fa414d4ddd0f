"""CosyVoice's decoders as released, with made-up weights: cosyvoice2.yaml or cosyvoice3.yaml, flow.pt, hift.pt.

CosyVoice2's come from the classes of flashcosyvoice. CosyVoice3's are in no package that fits here: they come from our
own, whose names, shapes and numbers are those of the official ones: see
tests/reward_env/models/test_token2wav_cosyvoice3.py.
"""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from zlib import crc32

import torch

CODEBOOK = 81


@dataclass(frozen=True)
class Size2:
    """Of CosyVoice2's decoder; the encoder is 512 wide in every size."""

    codebook: int
    blocks: int
    units: int
    heads: int
    channels: int
    transformers: int
    middle: int
    vocoder: int


@dataclass(frozen=True)
class Size3:
    """Of CosyVoice3's decoder; heads are 64 wide in every size."""

    codebook: int
    ahead: int
    width: int
    depth: int
    heads: int
    vocoder: int


Size = Size2 | Size3
SMALL = {
    "cosyvoice2": Size2(CODEBOOK, blocks=1, units=64, heads=2, channels=64, transformers=1, middle=1, vocoder=64),
    "cosyvoice3": Size3(CODEBOOK, ahead=32, width=64, depth=2, heads=2, vocoder=64),
}
FULL = {  # as released
    "cosyvoice2": Size2(6561, blocks=6, units=2048, heads=8, channels=256, transformers=4, middle=12, vocoder=512),
    "cosyvoice3": Size3(6561, ahead=1024, width=1024, depth=22, heads=16, vocoder=512),
}


def write_config(folder: Path, size: Size) -> None:
    """cosyvoice2.yaml or cosyvoice3.yaml."""
    family = "cosyvoice2" if isinstance(size, Size2) else "cosyvoice3"
    flow, values = FAMILIES[family]
    values = values | {name: str(value) for name, value in vars(size).items()}
    (folder / f"{family}.yaml").write_text(Template(HEAD + flow + TAIL).substitute(values))


def write_decoder(folder: Path, size: Size) -> None:
    """Configuration, flow.pt, hift.pt."""
    write_config(folder, size)
    flow, vocoder = _decoder2(size) if isinstance(size, Size2) else _decoder3(folder)
    torch.save(flow.state_dict(), folder / "flow.pt")
    torch.save({f"generator.{name}": value for name, value in vocoder.state_dict().items()}, folder / "hift.pt")


def _decoder2(size: Size2) -> tuple[torch.nn.Module, torch.nn.Module]:
    from models.cosyvoice.release import flashcosyvoice

    flow, hifigan = flashcosyvoice("flow"), flashcosyvoice("hifigan")
    upsample_encoder, estimator = (flashcosyvoice(f"flow_components.{n}") for n in ("upsample_encoder", "estimator"))
    model = flow.CausalMaskedDiffWithXvec(
        vocab_size=size.codebook,
        encoder=upsample_encoder.UpsampleConformerEncoder(
            attention_heads=size.heads, linear_units=size.units, num_blocks=size.blocks
        ),
        decoder=flow.CausalConditionalCFM(
            estimator=estimator.CausalConditionalDecoder(
                channels=[size.channels],
                n_blocks=size.transformers,
                num_mid_blocks=size.middle,
                num_heads=size.heads,
            )
        ),
    )
    vocoder = hifigan.HiFTGenerator(
        base_channels=size.vocoder, f0_predictor=hifigan.ConvRNNF0Predictor(cond_channels=size.vocoder)
    )
    return model, vocoder


def _decoder3(folder: Path) -> tuple[torch.nn.Module, torch.nn.Module]:
    from models.cosyvoice.flow3 import Flow
    from models.cosyvoice.release import read_config
    from models.cosyvoice.vocoder3 import Vocoder

    config = read_config(folder)
    return Flow(config["flow"], steps=10), Vocoder(**config["hift"])


def weights_by_formula(model: torch.nn.Module) -> None:
    """Weights that follow from name and place alone, so that another class or another torch has the same."""
    for name, value in model.state_dict().items():
        start, count = crc32(name.encode()), value.numel()
        wave = torch.sin(torch.arange(count, dtype=torch.float64) * (1 + start % 89 / 89) + start % 997)
        if name.endswith((".alpha", ".original0")):  # of the snake, and of the weight's length: positive
            wave = 0.6 + wave / 4
        elif name.startswith("f0_predictor.classifier."):  # Hz: some frames voiced, some not
            wave = 2e4 * wave if value.ndim > 1 else 1750 + wave
        elif name == "decoder.estimator.rotary_embed.inv_freq":
            continue
        else:
            wave = wave * (0.1 if value.ndim == 1 else 2 / (count / len(value)) ** 0.5)
        value.copy_(wave.float().reshape(value.shape))


# The release's keys (examples/libritts/cosyvoice2/conf/cosyvoice2.yaml, and 3), as far as a decoder has them.
HEAD = """
__set_seed1: !apply:random.seed [1986]
sample_rate: 24000
spk_embed_dim: 192
token_frame_rate: 25
token_mel_ratio: 2
chunk_size: 25
"""
FLOW2 = """flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    input_size: 512
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    vocab_size: $codebook
    input_frame_rate: !ref <token_frame_rate>
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    encoder: !new:cosyvoice.transformer.upsample_encoder.UpsampleConformerEncoder
        output_size: 512
        attention_heads: $heads
        linear_units: $units
        num_blocks: $blocks
        dropout_rate: 0.1
        input_size: 512
        static_chunk_size: !ref <chunk_size>
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        estimator: !new:cosyvoice.flow.decoder.CausalConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [$channels]
            attention_head_dim: 64
            n_blocks: $transformers
            num_mid_blocks: $middle
            num_heads: $heads
            act_fn: 'gelu'
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
"""
FLOW3 = """flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithDiT
    input_size: 80
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    output_type: 'mel'
    vocab_size: $codebook
    input_frame_rate: !ref <token_frame_rate>
    only_mask_loss: True
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    pre_lookahead_layer: !new:cosyvoice.transformer.upsample_encoder.PreLookaheadLayer
        in_channels: 80
        channels: $ahead
        pre_lookahead_len: 3
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                sigma_min: 1e-06
                solver: 'euler'
                t_scheduler: 'cosine'
                training_cfg_rate: 0.2
                inference_cfg_rate: 0.7
                reg_loss_type: 'l1'
        estimator: !new:cosyvoice.flow.DiT.dit.DiT
            dim: $width
            depth: $depth
            heads: $heads
            dim_head: 64
            ff_mult: 2
            mel_dim: 80
            mu_dim: 80
            spk_dim: 80
            out_channels: 80
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
            num_decoding_left_chunks: -1
"""
TAIL = """hift: !new:cosyvoice.hifigan.generator.$generator
    in_channels: 80
    base_channels: $vocoder
    nb_harmonics: 8
    sampling_rate: !ref <sample_rate>
    nsf_alpha: 0.1
    nsf_sigma: 0.003
    nsf_voiced_threshold: 10
    upsample_rates: [8, 5, 3]
    upsample_kernel_sizes: [16, 11, 7]
    istft_params: {n_fft: 16, hop_len: 4}
    resblock_kernel_sizes: [3, 7, 11]
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    source_resblock_kernel_sizes: [7, 7, 11]
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    lrelu_slope: 0.1
    audio_limit: 0.99
    $look_right
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.$predictor
        num_class: 1
        in_channels: 80
        cond_channels: $vocoder
feat_extractor: !name:matcha.utils.audio.mel_spectrogram
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    center: False
    fmax: $fmax
"""
FAMILIES = {
    "cosyvoice2": (
        FLOW2,
        {"generator": "HiFTGenerator", "predictor": "ConvRNNF0Predictor", "look_right": "", "fmax": "8000"},
    ),
    "cosyvoice3": (
        FLOW3,
        {
            "generator": "CausalHiFTGenerator",
            "predictor": "CausalConvRNNF0Predictor",
            "look_right": "conv_pre_look_right: 4",
            "fmax": "null",
        },
    ),
}
