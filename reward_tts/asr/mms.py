"""MMS (Pratap et al., 2023; arXiv 2305.13516) through transformers, from a directory: an ear that is not Whisper, for
the many languages that SenseVoice does not know.

One wav2vec 2.0 with a CTC head and small adapters in every layer for each language. It has no language model, so it
writes what it heard rather than what is likely, and makes more errors than Whisper: its numbers compare systems.
"""

from collections.abc import Mapping
from itertools import groupby

import numpy as np
import torch
from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from speech.interfaces import Transcript
from speech.loading import whole
from speech.waves import at_least

_SHORTEST = 400  # samples: the first frame of wav2vec 2.0
_FILES = ("config.json", "preprocessor_config.json", "vocab.json", "model.safetensors")


class MMSASR:
    """Batched greedy MMS, language by row.

    Args:
        model_dir: directory of facebook/mms-1b-all, with adapter.<name>.safetensors of each language.
        languages: {code of a row's language: MMS's name of it}, such as {"zh": "cmn-script_simplified"}.
        device: torch device.
        dtype: torch's name of the weights' type: float32, bfloat16, float16.
        batch_size: rows decoded together.

    Raises:
        FileNotFoundError: the directory is not whole, or lacks the adapter of one of the languages.
        ValueError: MMS has no vocabulary for one of them.
    """

    sample_rate = 16_000
    family = "mms"
    provides = ()

    def __init__(
        self,
        model_dir: str,
        languages: Mapping[str, str],
        device: str = "cpu",
        dtype: str = "float32",
        batch_size: int = 8,
    ):
        files = [*_FILES, *(f"adapter.{name}.safetensors" for name in languages.values())]
        whole(model_dir, files, "download facebook/mms-1b-all (Hugging Face) into it")
        self.extractor = Wav2Vec2FeatureExtractor.from_pretrained(model_dir)
        self.tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(model_dir)
        if unknown := [name for name in languages.values() if name not in self.tokenizer.vocab]:
            raise ValueError(f"{model_dir}/vocab.json has no {unknown}; it has {sorted(self.tokenizer.vocab)}")
        self.model = Wav2Vec2ForCTC.from_pretrained(model_dir, dtype=getattr(torch, dtype)).to(device).eval()
        self.languages, self.batch_size = dict(languages), batch_size

    @torch.inference_mode()
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order.

        Raises:
            ValueError: a language that was not named.
        """
        if unknown := sorted(set(languages) - set(self.languages)):
            raise ValueError(f"this MMS was not given the language {unknown}: it has {sorted(self.languages)}")
        order = sorted(range(len(waves)), key=lambda row: (languages[row], len(waves[row])))
        found: dict[int, Transcript] = {}
        for language, group in groupby(order, key=languages.__getitem__):
            rows = list(group)
            self._choose(self.languages[language])
            for start in range(0, len(rows), self.batch_size):
                chosen = rows[start : start + self.batch_size]
                found |= zip(chosen, self._decode([waves[row] for row in chosen]), strict=True)
        return [found[row] for row in range(len(waves))]

    def _choose(self, name: str) -> None:
        self.tokenizer.set_target_lang(name)
        self.model.load_adapter(name, local_files_only=True)

    def _decode(self, waves: list[np.ndarray]) -> list[Transcript]:
        waves = [at_least(wave, _SHORTEST) for wave in waves]
        inputs = self.extractor(
            waves, sampling_rate=self.sample_rate, padding=True, return_attention_mask=True, return_tensors="pt"
        ).to(self.model.device)
        best = self.model(inputs.input_values.to(self.model.dtype), inputs.attention_mask).logits.argmax(-1).cpu()
        frames = self.model._get_feat_extract_output_lengths(inputs.attention_mask.sum(-1)).tolist()
        paths = [ids[:count] for ids, count in zip(best.tolist(), frames, strict=True)]
        texts = [self.tokenizer.decode(path, skip_special_tokens=True) for path in paths]  # CTC's rule is in it
        return [Transcript(text=text.strip(), char_times=[]) for text in texts]
