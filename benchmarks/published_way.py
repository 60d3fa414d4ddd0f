"""A reward server built as the notes describe the published recipe's: what benchmarks/reward_server.py compares with.

Requests of one length share a batch (`@batch`), the rows of a batch are decoded one by one, each with a voice drawn for
it, then heard together. The models and their classes are our server's, so that only the way of serving differs.
"""

import random
import signal
import threading
import time
from collections import Counter

import hydra
import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from scipy.signal import resample_poly

from reward_tts.reward.formulas import shape_tanh
from reward_tts.reward.published import pinyin
from reward_tts.server.pytriton_adapter import _show_libpython
from speech.interfaces import Row


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Serves until SIGTERM."""
    torch.set_num_threads(cfg.server.torch_threads)
    token2wav, asr = instantiate(cfg.token2wav), instantiate(cfg.asr)
    seconds, sizes = Counter(), Counter()
    voices = [None]  # the small model has one; a released checkpoint has many prompts here

    @batch
    def infer(TOKENS: np.ndarray, TOKEN_LENS: np.ndarray, GT_TEXT: np.ndarray) -> dict[str, np.ndarray]:
        sizes[len(TOKENS)] += 1
        begin = time.monotonic()
        waves = []
        for tokens, length in zip(TOKENS, TOKEN_LENS[:, 0], strict=True):
            row = Row(tokens[:length], random.choice(voices), "zh")
            waves.append(resample_poly(token2wav.decode([row])[0], 2, 3).astype(np.float32))
        seconds["token2wav"] += time.monotonic() - begin
        begin = time.monotonic()
        heard = [transcript.text for transcript in asr.transcribe(waves, ["zh"] * len(waves))]
        seconds["asr"] += time.monotonic() - begin
        errors = [pinyin(t[0].decode(), text, "zh", tones=True) for t, text in zip(GT_TEXT, heard, strict=True)]
        return {
            "REWARDS": np.array([[shape_tanh(error, 3.0)] for error in errors], np.float32),
            "TRANSCRIPTS": np.array([[text.encode()] for text in heard], object),
        }

    where, stop = cfg.recipe.server, threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _show_libpython()
    config = TritonConfig(
        http_port=where.http_port, grpc_port=where.grpc_port, metrics_port=where.metrics_port, http_address=where.host
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name=where.model,
            infer_func=infer,
            inputs=[
                Tensor(name="TOKENS", dtype=np.int32, shape=(-1,)),
                Tensor(name="TOKEN_LENS", dtype=np.int32, shape=(1,)),
                Tensor(name="GT_TEXT", dtype=bytes, shape=(1,)),
            ],
            outputs=[
                Tensor(name="REWARDS", dtype=np.float32, shape=(1,)),
                Tensor(name="TRANSCRIPTS", dtype=bytes, shape=(1,)),
            ],
            config=ModelConfig(max_batch_size=32, batcher=DynamicBatcher(max_queue_delay_microseconds=10_000)),
            strict=False,
        )
        triton.run()
        stop.wait()
    parts = ", ".join(f"{part} {s:.1f}" for part, s in seconds.items())
    print(f"instance 0: batches by size {dict(sorted(sizes.items()))}; seconds: {parts}", flush=True)


if __name__ == "__main__":
    main()
