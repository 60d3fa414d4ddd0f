"""GLM-TTS's token2wav from a directory of its release:

    flow/flow.pt  flow/config.yaml    speech tokens (25 a second) -> log-mel (50 frames a second), glm_flow.py
    hift/hift.pt                      log-mel -> 24 kHz: CosyVoice2's HiFT (class of the package cosyvoice-minicpmo)
    frontend/campplus.onnx            a voice's recording -> speaker embedding (CAM++)

The flow goes on from a voice: its speech tokens, its mel, its embedding, which are worked out once. A batch goes
through the flow together and through the vocoder row by row. Chance (the flow's start, the vocoder's noise) is the same
for every row, so that rollouts of one text differ by what they say alone. The 32 kHz vocoder of the release (vocos2d, a
TorchScript file) is not used.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cosyvoice.hifigan.f0_predictor import ConvRNNF0Predictor
from cosyvoice.hifigan.generator import HiFTGenerator
from torch import Tensor

from models.flow.hyperpyyaml import read_hyperpyyaml
from models.flow.seeded_noise import SeededNoise
from models.flow.voice_features import LISTENING_RATE, CamPlus, LogMel
from models.glm_tts.flow import Flow, FlowConfig
from speech.interfaces import Row
from speech.loading import weights_of
from speech.voices import read_voices
from speech.waves import read_wave

SAMPLE_RATE, CODES = 24_000, 32_768
MEL = {"sampling_rate": SAMPLE_RATE, "n_fft": 1920, "win_size": 1920, "hop_size": 480}  # utils/audio.py of GLM-TTS
MEL |= {"num_mels": 80, "fmin": 0, "fmax": 8000}
_ADVICE = "bash run.sh --recipe glm_tts models fetches it"
# Keyword arguments of the published flow that do not change what it says (use_wavlm_emb would, by other weights).
_OF_TRAINING = {"calc_prompt_mel_loss", "use_wavlm_emb", "loss_type", "use_mdt"}
# The release has no file for MEL and _HIFT: both stand in the published code. HiFT's are CosyVoice2's.
_HIFT = {  # utils/hift_util.py of GLM-TTS
    "in_channels": 80,
    "base_channels": 512,
    "nb_harmonics": 8,
    "sampling_rate": SAMPLE_RATE,
    "nsf_alpha": 0.1,
    "nsf_sigma": 0.003,
    "nsf_voiced_threshold": 10,
    "upsample_rates": [8, 5, 3],
    "upsample_kernel_sizes": [16, 11, 7],
    "istft_params": {"n_fft": 16, "hop_len": 4},
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "source_resblock_kernel_sizes": [7, 7, 11],
    "source_resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "lrelu_slope": 0.1,
    "audio_limit": 0.99,
}


@dataclass(frozen=True)
class Prompt:
    """What the flow goes on from: tokens int64 [tokens], log-mel [frames, 80], speaker embedding [192]."""

    tokens: Tensor
    mel: Tensor
    speaker: Tensor


class GlmToken2Wav:
    """The `Token2Wav` of GLM-TTS.

    Args:
        model_dir: the release's directory.
        voices: JSONL of speech/voices.py; each with speech_tokens and wav. A row names one of them.
        device: torch device.
        steps: of the flow; GLM-TTS takes 10.
        batch_size: rows for the flow at once.
        seed: of the chance.

    Raises:
        FileNotFoundError: a file of the release is missing.
        ValueError: no voice, or one without speech tokens or a recording that can be read; a configuration or weights
            of another structure.
    """

    sample_rate = SAMPLE_RATE
    token_rate = 25.0
    codebook_size = CODES

    def __init__(
        self, model_dir: str, voices: str, device: str = "cpu", steps: int = 10, batch_size: int = 16, seed: int = 0
    ):
        folder = Path(model_dir)
        self.device, self.steps, self.batch_size, self.seed = torch.device(device), steps, batch_size, seed
        self.flow = load_flow(folder / "flow").to(self.device)
        self.vocoder = load_hift(folder / "hift" / "hift.pt").to(self.device)
        self._embed, self._log_mel = CamPlus(folder / "frontend" / "campplus.onnx", _ADVICE), LogMel(**MEL)
        self.voices, self._prompts = read_voices(voices), dict[str, Prompt]()
        if not self.voices:
            raise ValueError(f"{voices} (recipe.voices) holds no voice: GLM-TTS speaks with a given one")
        if lacking := [name for name, voice in self.voices.items() if voice.wav is None or not voice.speech_tokens]:
            raise ValueError(f"{voices}: voices need speech_tokens and wav for GLM-TTS, {lacking[:5]} have not both")

    @torch.inference_mode()
    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """One float32 mono wave per row, in the order given; rows of similar length should stand together.

        Raises:
            ValueError: a row names no voice, one that is not there, or one whose recording cannot be read.
        """
        if unknown := sorted({str(row.voice) for row in rows} - set(self.voices)):
            raise ValueError(f"GLM-TTS speaks with a given voice, got {unknown}; there are {sorted(self.voices)[:20]}")
        waves = []
        for start in range(0, len(rows), self.batch_size):
            mels = self._mels(rows[start : start + self.batch_size])
            waves += [self._wave(mel) for mel in mels]
        return waves

    def prompt(self, name: str) -> Prompt:
        """What the flow goes on from, worked out at its first use."""
        if name not in self._prompts:
            voice = self.voices[name]
            speaker = self._embed(read_wave(voice.wav, LISTENING_RATE))
            mel = self._log_mel(read_wave(voice.wav, SAMPLE_RATE))
            self._prompts[name] = Prompt(torch.tensor(voice.speech_tokens), mel, speaker)
        return self._prompts[name]

    def _mels(self, rows: list[Row]) -> list[Tensor]:
        prompts = [self.prompt(row.voice) for row in rows]
        tokens = [
            torch.cat([prompt.tokens, torch.from_numpy(row.tokens.astype(np.int64))])
            for prompt, row in zip(prompts, rows, strict=True)
        ]
        longest = max(self.flow.frames(len(row)) for row in tokens)
        noise = torch.randn(longest, MEL["num_mels"], generator=torch.Generator().manual_seed(self.seed))
        speakers = torch.stack([prompt.speaker for prompt in prompts]).to(self.device)
        starts = [noise[: self.flow.frames(len(row))] for row in tokens]
        return self.flow(tokens, [prompt.mel for prompt in prompts], speakers, starts, self.steps)

    def _wave(self, mel: Tensor) -> np.ndarray:
        with SeededNoise(self.seed):
            wave, _ = self.vocoder.inference(mel.T[None].float())
        return wave[0].cpu().numpy()


def load_flow(folder: Path) -> Flow:
    """config.yaml (its `flow`) and flow.pt (parameters, or a dictionary with them as `model`).

    Raises:
        FileNotFoundError: one is missing. ValueError: a key that is not known, a rate that is missing, parameters of
            another structure.
    """
    path = _there(folder / "config.yaml")
    config = read_hyperpyyaml(path, {"flow"})["flow"]
    try:
        flow = Flow(FlowConfig(**{key: value for key, value in config.items() if key not in _OF_TRAINING}))
    except TypeError as error:
        raise ValueError(f"{path}: no flow of GLM-TTS: {error}") from error
    return _with_weights(flow, folder / "flow.pt")


def load_hift(path: Path) -> HiFTGenerator:
    """The vocoder. Raises as load_flow."""
    predictor = ConvRNNF0Predictor(num_class=1, in_channels=80, cond_channels=512)
    return _with_weights(HiFTGenerator(**_HIFT, f0_predictor=predictor), path)


def _with_weights(module: torch.nn.Module, path: Path) -> torch.nn.Module:
    weights = weights_of(_there(path))
    if isinstance(weights.get("model"), dict):
        weights = weights["model"]
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {type(module).__name__}: {error}") from error
    return module.eval()


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {_ADVICE}")
    return path
