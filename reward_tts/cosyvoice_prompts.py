"""What CosyVoice takes from a voice's recording: speech tokens, mel, speaker embedding; once for each voice.

The same features as the official front end (cosyvoice/cli/frontend.py), from well-kept libraries: Whisper's log-mel by
transformers, Kaldi's filter bank by kaldi-native-fbank, ONNX models as they are released.
"""

from dataclasses import dataclass
from pathlib import Path

import kaldi_native_fbank as knf
import librosa
import numpy as np
import onnxruntime
import soundfile
import soxr
import torch
from transformers import WhisperFeatureExtractor

from data_prep.voices import Voice

_LISTENING_RATE = 16_000  # Hz: of speech tokenizer and speaker encoder
_MAX_SECONDS = 30  # what the speech tokenizer takes


@dataclass(frozen=True)
class Prompt:
    """Of one voice, on the CPU.

    Attributes:
        tokens: speech tokens int64 [n].
        mel: float32 [2 n, mel bins], log.
        embedding: of the speaker, float32 [192].
    """

    tokens: torch.Tensor
    mel: torch.Tensor
    embedding: torch.Tensor


class PromptReader:
    """Recordings -> prompts.

    Args:
        folder: a release with campplus.onnx and the speech tokenizer's ONNX file.
        speech_tokenizer: name of that file; asked only where a voice names no speech tokens.
        mel: sampling_rate, n_fft, num_mels, hop_size, win_size, fmin, fmax of the flow's mel.
        frames_per_token: mel frames.

    Raises:
        FileNotFoundError: campplus.onnx is missing.
    """

    def __init__(self, folder: Path, speech_tokenizer: str, mel: dict, frames_per_token: int):
        self._speaker = _session(folder / "campplus.onnx")
        self._tokenizer_path, self._tokenizer = folder / speech_tokenizer, None
        self._mel, self._ratio = mel, frames_per_token
        shape = {"sr": mel["sampling_rate"], "n_fft": mel["n_fft"], "n_mels": mel["num_mels"]}
        filters = librosa.filters.mel(**shape, fmin=mel["fmin"], fmax=mel["fmax"])
        self._filters, self._window = torch.from_numpy(filters), torch.hann_window(mel["win_size"])
        self._whisper = WhisperFeatureExtractor(feature_size=128)

    def read(self, voice: Voice) -> Prompt:
        """The prompt of a voice; tokens and mel are cut to the same time.

        Raises:
            ValueError: the voice has no recording, or one that is too long or empty.
            FileNotFoundError: the recording is not there. soundfile.LibsndfileError: it cannot be read.
        """
        if voice.wav is None:
            raise ValueError(f"voice {voice.name!r} has no recording: field 'wav' in the file of recipe.voices")
        if not Path(voice.wav).is_file():
            raise FileNotFoundError(f"voice {voice.name!r}: its recording {voice.wav} is missing (field 'wav')")
        wave, rate = soundfile.read(voice.wav, dtype="float32", always_2d=True)
        if not 0 < len(wave) / rate <= _MAX_SECONDS:
            raise ValueError(
                f"voice {voice.name!r}: {voice.wav} lasts {len(wave) / rate:.1f} s, at most {_MAX_SECONDS}"
            )
        heard = soxr.resample(wave.mean(1), rate, _LISTENING_RATE)
        tokens = list(voice.speech_tokens) or self.speech_tokens(heard)
        mel = self.log_mel(soxr.resample(wave.mean(1), rate, self._mel["sampling_rate"]))
        count = min(len(tokens), len(mel) // self._ratio)
        if not count:
            raise ValueError(f"voice {voice.name!r}: {voice.wav} is shorter than one speech token")
        return Prompt(torch.tensor(tokens[:count]), mel[: count * self._ratio], self.embedding(heard))

    def log_mel(self, wave: np.ndarray) -> torch.Tensor:
        """float32 [frames, bins] of a wave at the flow's rate: magnitudes, Slaney filters, log, no centring."""
        n_fft, hop = self._mel["n_fft"], self._mel["hop_size"]
        padded = torch.nn.functional.pad(torch.from_numpy(wave)[None], ((n_fft - hop) // 2,) * 2, mode="reflect")
        size = {"n_fft": n_fft, "hop_length": hop, "win_length": self._mel["win_size"], "center": False}
        spectrum = torch.stft(padded[0], **size, window=self._window, return_complex=True)
        magnitude = torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-9)
        return torch.log(torch.clamp(self._filters @ magnitude, min=1e-5)).T.contiguous()

    def embedding(self, wave: np.ndarray) -> torch.Tensor:
        """CAM++'s speaker embedding, float32 [192], of a wave at 16 kHz."""
        options = knf.FbankOptions()
        options.frame_opts.dither = 0.0
        options.mel_opts.num_bins = 80
        bank = knf.OnlineFbank(options)
        bank.accept_waveform(_LISTENING_RATE, wave.tolist())
        bank.input_finished()
        frames = np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)])
        (out,) = self._speaker.run(None, {self._speaker.get_inputs()[0].name: (frames - frames.mean(0))[None]})
        return torch.from_numpy(out.reshape(-1))

    def speech_tokens(self, wave: np.ndarray) -> list[int]:
        """Speech tokens of a wave at 16 kHz.

        Raises:
            FileNotFoundError: the speech tokenizer is missing.
        """
        self._tokenizer = self._tokenizer or _session(self._tokenizer_path)
        features = self._whisper(
            wave, sampling_rate=_LISTENING_RATE, padding=False, truncation=False, return_tensors="np"
        )
        mel = features.input_features.astype(np.float32)
        names = [inner.name for inner in self._tokenizer.get_inputs()]
        lengths = np.array([mel.shape[2]], np.int32)
        return self._tokenizer.run(None, dict(zip(names, (mel, lengths), strict=True)))[0].reshape(-1).tolist()


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the stage `models` fetches it (models.get in models.yaml)")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
