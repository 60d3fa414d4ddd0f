"""What CosyVoice and GLM-TTS take from a voice's recording for their flows: a log-mel, and CAM++'s embedding."""

from pathlib import Path

import kaldi_native_fbank
import librosa
import numpy as np
import onnxruntime
import torch

from speech.loading import there

LISTENING_RATE = 16_000  # Hz, of CAM++


class LogMel:
    """Natural log of mel magnitudes by Slaney's filters. The arguments are those of CosyVoice's feat_extractor, rates
    in Hz and sizes in samples."""

    def __init__(
        self,
        sampling_rate: int,
        n_fft: int,
        num_mels: int,
        hop_size: int,
        win_size: int,
        fmin: float,
        fmax: float | None,
        center: bool = False,
    ):
        filters = librosa.filters.mel(sr=sampling_rate, n_fft=n_fft, n_mels=num_mels, fmin=fmin, fmax=fmax)
        self._filters, self._window = torch.from_numpy(filters), torch.hann_window(win_size)
        self._padding = (n_fft - hop_size) // 2
        self._stft = {"n_fft": n_fft, "hop_length": hop_size, "win_length": win_size, "center": center}

    def __call__(self, wave: np.ndarray) -> torch.Tensor:
        """A wave float32 [samples] -> float32 [samples / hop_size, num_mels]."""
        padded = torch.nn.functional.pad(torch.from_numpy(wave)[None], (self._padding,) * 2, mode="reflect")[0]
        spectrum = torch.stft(padded, **self._stft, window=self._window, return_complex=True)
        magnitude = torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-9)
        return torch.log(torch.clamp(self._filters @ magnitude, min=1e-5)).T.contiguous()


class CamPlus:
    """CAM++ (arXiv 2303.00332) by ONNX Runtime: Kaldi's filter bank of a recording -> embedding of its speaker.

    Args:
        path: campplus.onnx.
        advice: where to get it, for the message.

    Raises:
        FileNotFoundError: no such file.
    """

    def __init__(self, path: Path, advice: str):
        self._session = onnx_session(path, advice)

    def __call__(self, wave: np.ndarray) -> torch.Tensor:
        """A wave float32 [samples] at 16 kHz -> float32 [192], on the CPU."""
        options = kaldi_native_fbank.FbankOptions()
        options.frame_opts.dither = 0.0
        options.mel_opts.num_bins = 80
        bank = kaldi_native_fbank.OnlineFbank(options)
        bank.accept_waveform(LISTENING_RATE, wave.tolist())
        bank.input_finished()
        frames = np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)])
        inputs = {self._session.get_inputs()[0].name: (frames - frames.mean(0))[None].astype(np.float32)}
        return torch.from_numpy(self._session.run(None, inputs)[0].reshape(-1))


def onnx_session(path: Path, advice: str, device: str = "cpu") -> onnxruntime.InferenceSession:
    """In one thread of the CPU, or on a GPU, `cuda` or `cuda:N`.

    Raises:
        FileNotFoundError: no such file, with the advice. ValueError: this ONNX Runtime cannot compute on the device.
    """
    kind, _, number = device.partition(":")
    provider = f"{kind.upper()}ExecutionProvider"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = [(provider, {"device_id": number} if number else {})]
    session = onnxruntime.InferenceSession(str(there(path, advice)), options, providers=providers)
    if provider not in session.get_providers():  # it warns and takes the CPU
        raise ValueError(
            f"{path} cannot be computed on {device}, only with {session.get_providers()}: take cpu and more workers, "
            "or install onnxruntime-gpu in place of onnxruntime in .venv-reward"
        )
    return session
