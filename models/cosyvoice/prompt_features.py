"""What CosyVoice takes from a voice's recording: speech tokens, mel, speaker embedding; once for each voice.

The same features as the official front end (cosyvoice/cli/frontend.py), from well-kept libraries: Whisper's log-mel by
transformers, Kaldi's filter bank by kaldi-native-fbank (voice_features.py), ONNX models as they are released.
"""

from pathlib import Path
from threading import Lock

import numpy as np
import torch
from transformers import WhisperFeatureExtractor

from models.cosyvoice.release import ADVICE
from models.flow.token2wav import Prompt
from models.flow.voice_features import LISTENING_RATE, CamPlus, LogMel, onnx_session
from speech.voices import Voice
from speech.waves import read_wave

_MAX_SECONDS = 30  # what the speech tokenizer takes


class PromptReader:
    """Recordings -> prompts, for several threads at once.

    Args:
        folder: a release with campplus.onnx and the speech tokenizer's ONNX file.
        speech_tokenizer: name of that file; asked only where a voice names no speech tokens.
        mel: sampling_rate, n_fft, num_mels, hop_size, win_size, fmin, fmax of the flow's mel.
        frames_per_token: mel frames.
        device: of the speech tokenizer, see onnx_session.

    Attributes:
        embedding: a wave at 16 kHz -> CAM++'s speaker embedding, float32 [192].
        log_mel: a wave at the flow's rate -> float32 [frames, bins].

    Raises:
        FileNotFoundError: campplus.onnx is missing.
    """

    def __init__(self, folder: Path, speech_tokenizer: str, mel: dict, frames_per_token: int, device: str = "cpu"):
        self.embedding = CamPlus(folder / "campplus.onnx", ADVICE)
        self.log_mel = LogMel(**mel)
        self._tokenizer_path, self._tokenizer, self._device = folder / speech_tokenizer, None, device
        self._rate, self._ratio = mel["sampling_rate"], frames_per_token
        self._loading = Lock()
        self._whisper = WhisperFeatureExtractor(feature_size=128)

    def read(self, voice: Voice) -> Prompt:
        """The prompt of a voice; tokens and mel are cut to the same time.

        Raises:
            ValueError: the voice has no recording, or one that is too long or empty or cannot be read.
            FileNotFoundError: the recording is not there.
        """
        if voice.wav is None:
            raise ValueError(f"voice {voice.name!r} has no recording: field 'wav' in the file of recipe.voices")
        if not Path(voice.wav).is_file():
            raise FileNotFoundError(f"voice {voice.name!r}: its recording {voice.wav} is missing (field 'wav')")
        heard = read_wave(voice.wav, LISTENING_RATE)
        if (seconds := len(heard) / LISTENING_RATE) > _MAX_SECONDS:
            raise ValueError(f"voice {voice.name!r}: {voice.wav} lasts {seconds:.1f} s, at most {_MAX_SECONDS}")
        tokens = list(voice.speech_tokens) or self.speech_tokens(heard)
        mel = self.log_mel(read_wave(voice.wav, self._rate))
        count = min(len(tokens), len(mel) // self._ratio)
        if not count:
            raise ValueError(f"voice {voice.name!r}: {voice.wav} is shorter than one speech token")
        return Prompt(torch.tensor(tokens[:count]), mel[: count * self._ratio], self.embedding(heard))

    def speech_tokens(self, wave: np.ndarray) -> list[int]:
        """Speech tokens of a wave at 16 kHz.

        Raises:
            FileNotFoundError, ValueError: see onnx_session.
        """
        with self._loading:
            self._tokenizer = self._tokenizer or onnx_session(self._tokenizer_path, ADVICE, self._device)
        features = self._whisper(
            wave, sampling_rate=LISTENING_RATE, padding=False, truncation=False, return_tensors="np"
        )
        mel = features.input_features.astype(np.float32)
        names = [inner.name for inner in self._tokenizer.get_inputs()]
        lengths = np.array([mel.shape[2]], np.int32)
        return self._tokenizer.run(None, dict(zip(names, (mel, lengths), strict=True)))[0].reshape(-1).tolist()
