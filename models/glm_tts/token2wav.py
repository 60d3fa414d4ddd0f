"""GLM-TTS's token2wav from a directory of its release:

    flow/flow.pt  flow/config.yaml    speech tokens (25 a second) -> log-mel (50 frames a second), flow.py beside
    hift/hift.pt                      log-mel -> 24 kHz: CosyVoice2's HiFT (class of the package cosyvoice-minicpmo)
    frontend/campplus.onnx            a voice's recording -> speaker embedding (CAM++)

Batches, voices and the vocoder's noise: models/flow/token2wav.py. The flow's start is the same for every row. The
32 kHz vocoder of the release (vocos2d, a TorchScript file) is not used.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from cosyvoice.hifigan.f0_predictor import ConvRNNF0Predictor
from cosyvoice.hifigan.generator import HiFTGenerator
from torch import Tensor

from models.flow.hyperpyyaml import read_hyperpyyaml
from models.flow.token2wav import FlowToken2Wav, Prompt, with_weights
from models.flow.voice_features import LISTENING_RATE, CamPlus, LogMel
from models.glm_tts.flow import Flow, FlowConfig
from speech.interfaces import Row
from speech.loading import array_of, there
from speech.own_packages import require_own
from speech.voices import Voice
from speech.waves import read_wave

require_own("cosyvoice")  # a checkout of CosyVoice has that name, too, and another vocoder
SAMPLE_RATE, CODES = 24_000, 32_768
MEL = {"sampling_rate": SAMPLE_RATE, "n_fft": 1920, "win_size": 1920, "hop_size": 480}  # utils/audio.py of GLM-TTS
MEL |= {"num_mels": 80, "fmin": 0, "fmax": 8000}
_ADVICE = "bash run.sh --recipe glm_tts models fetches it"
# Keyword arguments of the published flow that do not change what it says (use_wavlm_emb would, by other weights).
_OF_TRAINING = {"calc_prompt_mel_loss", "use_wavlm_emb", "loss_type", "use_mdt"}
# The release has no file for MEL and HiFT's numbers: they stand in the published code. HiFT's are CosyVoice2's.
_HIFT = {  # utils/hift_util.py of GLM-TTS
    "in_channels": 80,
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


class GlmToken2Wav(FlowToken2Wav):
    """The `Token2Wav` of GLM-TTS.

    Args:
        model_dir: the release's directory.
        voices: JSONL of speech/voices.py; each with speech_tokens and wav. A row names one of them.
        device: torch device.
        steps: of the flow; GLM-TTS takes 10.
        batch_size: rows for the flow at once.
        seed: of the chance.
        voices_kept, voice_threads: see FlowToken2Wav.

    Raises:
        FileNotFoundError: a file of the release is missing.
        ValueError: no voice, or one without speech tokens or a recording that can be read; a configuration or weights
            of another structure.
    """

    sample_rate = SAMPLE_RATE
    token_rate = 25.0
    codebook_size = CODES

    def __init__(
        self,
        model_dir: str,
        voices: str,
        device: str = "cpu",
        steps: int = 10,
        batch_size: int = 16,
        seed: int = 0,
        voices_kept: int = 4096,
        voice_threads: int = 4,
    ):
        super().__init__(voices, device, batch_size, seed, model_dir, voices_kept, voice_threads)
        if lacking := [name for name, voice in self.voices.items() if voice.wav is None or not voice.speech_tokens]:
            raise ValueError(f"{voices}: voices need speech_tokens and wav for GLM-TTS, {lacking[:5]} have not both")
        folder, self.steps = Path(model_dir), steps
        self.flow = load_flow(folder / "flow").to(self.device)
        self.vocoder = load_hift(folder / "hift" / "hift.pt").to(self.device)
        self._embed, self._log_mel = CamPlus(folder / "frontend" / "campplus.onnx", _ADVICE), LogMel(**MEL)

    def _name_of(self, row: Row) -> str:
        if row.voice is None:
            raise ValueError(f"GLM-TTS speaks with a given voice, got None; there are {sorted(self.voices)[:20]}")
        return row.voice

    def _read(self, voice: Voice) -> Prompt:
        """What the voice brings is taken as it is; the rest is computed of its recording."""
        if voice.embedding:
            speaker = torch.from_numpy(array_of(voice.embedding)).float().reshape(-1)
        else:
            speaker = self._embed(read_wave(voice.wav, LISTENING_RATE))
        if voice.mel:
            mel = torch.from_numpy(array_of(voice.mel)).float().reshape(-1, MEL["num_mels"])
        else:
            mel = self._log_mel(read_wave(voice.wav, SAMPLE_RATE))
        return Prompt(torch.tensor(voice.speech_tokens), mel, speaker)

    def _continued(self, spoken: list[Tensor], prompts: Sequence[Prompt]) -> list[Tensor]:
        longest = max(self.flow.frames(len(row)) for row in spoken)
        noise = torch.randn(longest, MEL["num_mels"], generator=torch.Generator().manual_seed(self.seed))
        speakers = torch.stack([prompt.embedding for prompt in prompts]).to(self.device)
        starts = [noise[: self.flow.frames(len(row))] for row in spoken]
        mels = self.flow(spoken, [prompt.mel for prompt in prompts], speakers, starts, self.steps)
        return [mel.T for mel in mels]

    def _wave(self, mel: Tensor) -> Tensor:
        return self.vocoder.inference(mel.float())[0][0]


def load_flow(folder: Path) -> Flow:
    """config.yaml (its `flow`) and flow.pt (parameters, or a dictionary with them as `model`).

    Raises:
        FileNotFoundError: one is missing. ValueError: a key that is not known, a rate that is missing, parameters of
            another structure.
    """
    path = there(folder / "config.yaml", _ADVICE)
    config = read_hyperpyyaml(path, {"flow"})["flow"]
    try:
        flow = Flow(FlowConfig(**{key: value for key, value in config.items() if key not in _OF_TRAINING}))
    except TypeError as error:
        raise ValueError(f"{path}: no flow of GLM-TTS: {error}") from error
    return with_weights(flow, folder / "flow.pt", _ADVICE)


def load_hift(path: Path) -> HiFTGenerator:
    """The vocoder. Raises as load_flow."""
    return with_weights(hift(), path, _ADVICE)


def hift(width: int = 512) -> HiFTGenerator:
    """The published vocoder, 512 channels wide, with random weights."""
    predictor = ConvRNNF0Predictor(num_class=1, in_channels=80, cond_channels=width)
    return HiFTGenerator(**_HIFT, base_channels=width, f0_predictor=predictor)
