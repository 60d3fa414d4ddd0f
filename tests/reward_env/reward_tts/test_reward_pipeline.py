"""The reward server's parts with the real small models: tokens -> wave -> transcript -> measures -> answer."""

import math
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from models.tiny_mandarin.teacher import Vocoder
from models.tiny_mandarin.token2wav import MelToken2Wav
from models.tiny_mandarin.vocoder import TorchVocoder
from reward_tts.asr.sensevoice import SenseVoiceASR
from reward_tts.measures import Measures, Status
from reward_tts.reward.reward import Reward
from reward_tts.server.instance import Instance, bound_memory
from reward_tts.server.pipeline import SpeechPipeline, in_words, lacks_memory
from reward_tts.server.pytriton_adapter import _speaking
from reward_tts.server.wire import Query
from speech.interfaces import Row

FRAMES_PER_TOKEN, MEL_FRAME_RATE, SAMPLE_RATE = 3, 80, 24000


def test_a_batch_of_waves_is_what_each_row_gives_alone(built_recipe, rows):
    """Bit by bit: in bfloat16 the last bits of a batch would be heard."""
    rounded = MelToken2Wav(
        str(built_recipe / "token2wav"), TorchVocoder("bfloat16"), SAMPLE_RATE, MEL_FRAME_RATE, workers=2
    )
    together = rounded.decode(rows)
    alone = [rounded.decode([row])[0] for row in rows]
    for row, a, b in zip(rows, together, alone, strict=True):
        assert len(a) == len(row.tokens) * FRAMES_PER_TOKEN * SAMPLE_RATE // MEL_FRAME_RATE
        assert np.array_equal(a, b) and np.abs(a).max() > 0.05


def test_one_token_is_spoken_too(token2wav):
    (wave,) = token2wav.decode([Row(np.array([3], np.int32), None, "zh")])
    assert len(wave) == 900 and np.isfinite(wave).all()


def test_a_voice_that_is_not_there_is_refused(token2wav):
    with pytest.raises(ValueError, match=r"one voice.*\['Anna'\]"):
        token2wav.decode([Row(np.array([3], np.int32), "Anna", "zh")])


def test_the_vocoder_in_torch_gives_the_waves_of_the_published_graph(token2wav, rows):
    published, ours = Vocoder(), TorchVocoder("float32")
    with torch.inference_mode():
        mel = token2wav.decoder(torch.from_numpy(rows[0].tokens.astype(np.int64))[None])[0].numpy()
    for frames in (len(mel), 28, 12):  # 12: shorter than the network can mirror
        expected, wave = published(mel[:frames]), ours(mel[:frames])
        assert wave.shape == expected.shape
        assert np.abs(wave - expected).max() < 1e-2  # one step of its 8-bit sub-bands, where rounding falls differently
        assert np.abs(wave - expected).mean() < 1e-5


def test_the_same_vocoder_in_bfloat16_differs_by_less_than_a_hundredth_of_the_power(token2wav, rows):
    with torch.inference_mode():
        mel = token2wav.decoder(torch.from_numpy(rows[0].tokens.astype(np.int64))[None])[0].numpy()
    exact, rounded = TorchVocoder("float32")(mel), TorchVocoder("bfloat16")(mel)
    assert np.square(exact - rounded).mean() < 0.02 * np.square(exact).mean()


def test_a_batch_of_transcripts_is_what_each_wave_gives_alone(token2wav, asr, rows):
    waves = [resample_poly(wave, 2, 3).astype(np.float32) for wave in token2wav.decode(rows)]
    together = asr.transcribe(waves, ["zh"] * len(waves))
    assert [t.text for t in together] == [asr.transcribe([wave], ["zh"])[0].text for wave in waves]
    for heard, wave in zip(together, waves, strict=True):
        assert len(heard.char_times) == len(heard.text)
        assert heard.char_times == sorted(heard.char_times)
        assert all(0 < t < len(wave) / asr.sample_rate for t in heard.char_times)


def test_the_confidence_is_the_mean_probability_of_the_written_symbols(token2wav, asr, rows):
    wave = resample_poly(token2wav.decode(rows[:1])[0], 2, 3).astype(np.float32)
    (heard,) = asr.transcribe([wave], ["zh"])
    speech, length = asr.frontend(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
    query = asr.model.embed(torch.tensor([[asr.model.lid_dict["zh"], 1, 2, asr.model.textnorm_dict["woitn"]]]))
    with torch.inference_mode():
        encoded, _ = asr.model.encoder(torch.cat([query, speech], dim=1), length + 4)
        likely, path = asr.model.ctc.log_softmax(encoded)[0, 4:].exp().max(-1)
    before = [asr.model.blank_id, *path.tolist()]
    starts = [i for i, s in enumerate(path.tolist()) if s not in (asr.model.blank_id, before[i])]
    assert len(starts) == len(heard.text) > 0  # one character a symbol
    assert heard.confidence == pytest.approx(likely[starts].mean().item(), abs=1e-5)
    assert asr.transcribe([np.zeros(8000, np.float32)], ["zh"])[0].confidence >= 0.0


def test_the_confidence_travels_with_the_measures_and_may_be_logged(pipeline, rows):
    (measures,) = pipeline.measure(rows[:1])
    assert 0.0 < measures.confidence <= 1.0 and pipeline.offers == ["confidence"]
    assert Measures.from_json(measures.to_json()).named == {"confidence": measures.confidence}
    Instance(pipeline, "zh", reward(logged=("confidence",)), 2000)


def test_a_missing_model_directory_names_what_it_lacks_and_who_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.yaml', 'model\.pt'.*stage `data`"):
        SenseVoiceASR(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"bash run\.sh data"):
        MelToken2Wav(str(tmp_path), TorchVocoder(), SAMPLE_RATE, MEL_FRAME_RATE)


def test_measures_come_in_the_order_of_the_rows(pipeline, rows):
    measures = pipeline.measure(rows)
    assert [m.num_tokens for m in measures] == [len(row.tokens) for row in rows]
    assert {m.status for m in measures} == {Status.OK}
    assert [m.transcript for m in pipeline.measure(rows[::-1])] == [m.transcript for m in measures][::-1]
    assert all(Measures.from_json(m.to_json()).transcript == m.transcript for m in measures)


class SometimesBroken:
    """The real token2wav, but a row that begins with token 13 raises, with 14 gives NaN, with 15 nothing."""

    def __init__(self, real: MelToken2Wav):
        self.real = real
        self.sample_rate, self.token_rate, self.codebook_size = real.sample_rate, real.token_rate, real.codebook_size

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        waves = self.real.decode(rows)
        for row, wave in zip(rows, waves, strict=True):
            if row.tokens[0] == 13:
                raise RuntimeError("a fault in the decoder")
            wave[: 1 if row.tokens[0] == 14 else 0] = math.nan
        return [wave[:0] if row.tokens[0] == 15 else wave for row, wave in zip(rows, waves, strict=True)]


def test_a_row_that_breaks_a_part_fails_alone(token2wav, asr, rows):
    broken = [Row(np.array([first, 5, 5], np.int32), None, "zh") for first in (13, 14, 15)]
    measures = SpeechPipeline(SometimesBroken(token2wav), asr, "tiny_mandarin", 200).measure([*broken, *rows[:3]])
    assert [m.status for m in measures] == [Status.FAILED] * 3 + [Status.OK] * 3
    assert "RuntimeError: a fault in the decoder" in measures[0].message
    assert "not all finite" in measures[1].message and "0 samples" in measures[2].message


def test_what_a_batch_without_memory_held_is_free_while_its_rows_are_tried(token2wav, asr, rows, monkeypatch):
    """A batch takes memory and finds no more; so does the row that begins with token 13, alone. Each time a GPU gets
    back what is free, when all of it is."""
    taken: list[weakref.ref] = []
    still: list[int] = []
    given_back: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given_back.append(sum(ref() is not None for ref in taken)))

    class Full(SometimesBroken):
        def decode(self, rows: list[Row]) -> list[np.ndarray]:
            still.append(sum(ref() is not None for ref in taken))
            activations = np.zeros(1000)
            taken.append(weakref.ref(activations))
            if len(rows) > 1 or rows[0].tokens[0] == 13:
                try:
                    raise torch.OutOfMemoryError("CUDA out of memory")
                except RuntimeError as error:
                    raise torch.OutOfMemoryError("once more") from error
            return self.real.decode(rows)

    class Listening:
        sample_rate, provides = asr.sample_rate, asr.provides

        def transcribe(self, waves, languages):
            still.append(sum(ref() is not None for ref in taken))
            return asr.transcribe(waves, languages)

    full = Row(np.array([13, 5, 5], np.int32), None, "zh")
    measures = SpeechPipeline(Full(token2wav), Listening(), "tiny_mandarin", 200).measure([full, rows[0]])
    assert [m.status for m in measures] == [Status.OUT_OF_MEMORY, Status.OK]
    assert measures[0].message == "OutOfMemoryError: once more"
    assert still == [0] * 4 and len(taken) == 3  # the batch, each row, the ASR
    assert given_back == [0, 0]


def test_torch_may_take_a_bounded_part_of_a_gpu(monkeypatch):
    told = []
    whole = SimpleNamespace(total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: whole)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *asked: told.append(asked))
    for device, gib in (("cuda:1", None), ("cpu", 20), ("cuda:1", 20)):
        bound_memory(device, gib)
    assert told == [(0.25, "cuda:1")]
    with pytest.raises(ValueError, match=r"server\.gpu_memory_gib=81: cuda:1 has 80\.0 GiB"):
        bound_memory("cuda:1", 81)


@pytest.mark.parametrize(
    ("error", "status"), [(MemoryError(), Status.OUT_OF_MEMORY), (RuntimeError("a fault"), Status.FAILED)]
)
def test_a_row_that_is_only_spoken_says_whether_memory_was_short(error, status):
    def speak(*_):
        raise error

    (answer,) = _speaking(speak)([{"TOKENS": np.array([7, 300, 12], np.int32)}])
    assert Measures.from_json(answer["MEASURES"][0].decode()).status == status


def test_memory_is_what_a_library_lacks_that_says_so_in_an_error_of_no_special_kind():
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

    for error in (
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA failed with error out of memory"),  # CTranslate2
        RuntimeException("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 33554432"),
        MemoryError(),
    ):
        assert lacks_memory(error)
        assert ("cannot compute at all" in in_words(error)) == ("find an engine" in str(error))  # cuDNN's two faults
    with pytest.raises(RuntimeError) as told:
        torch.empty(2**60)
    assert lacks_memory(told.value)
    uninitialized = RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasSgemm(...)`")
    for error in (
        uninitialized,
        RuntimeError("a fault in the decoder"),
        Fail("no kernel"),
        ValueError("text '... out of memory'"),
    ):
        assert not lacks_memory(error)


def query(row: Row, text: str, **changes) -> Query:
    empty = {"language": None, "voice": None, "problem": "", "checksum": "0123456789abcdef"}
    return Query(**{"tokens": row.tokens, "text": text, **empty, **changes})


def reward(term: str = "pinyin", logged: tuple[str, ...] = (), **parameters) -> Reward:
    return Reward(
        {
            "terms": {term: {"weight": 1.0, **parameters}},
            "aggregation": {"name": "weighted_sum"},
            "error": {"unit": "pinyin"},
            "token_credit": None,
            "logged": list(logged),
        }
    )
