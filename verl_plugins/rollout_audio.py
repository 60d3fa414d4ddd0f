"""Some rollouts as sound while training: waves and a JSONL in a folder, and audio in TensorBoard
and, where verl logs to it, in wandb.

The reward server's model `token2wav` speaks them again: the tokens are what was scored, the wave is made for listening.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from torch.utils.tensorboard import SummaryWriter
from tritonclient.utils import InferenceServerException

from reward_tts.served_waves import ServedWaves
from speech.files import append_jsonl
from speech.interfaces import Passing, Row
from verl_plugins.reward_metrics import Batch

log = logging.getLogger(__name__)


class RolloutAudio:
    """Every `every` steps the first `count` rollouts of the batch.

    Args:
        every: steps; 0 for never.
        count: rollouts of a step.
        folder: step_NNNNNN/N.wav, and rollouts.jsonl with text, transcript, path and every number of each.
        address: host:grpc_port of the reward server.
        secret_env: recipe.server.secret_env.
        more: recipe.server.more.
    """

    def __init__(
        self,
        every: int,
        count: int,
        folder: str | Path,
        address: str,
        secret_env: str | None = None,
        more: Sequence[str] = (),
    ):
        self.every, self.count, self.folder = every, count, Path(folder)
        self.server, self._board = ServedWaves(address, secret_env, more=more), None

    def observe(self, batch: Batch, found: Mapping[str, float]) -> dict[str, float]:
        """Writes them, if it is a step for it; no metrics. A server that does not answer is a warning: training needs
        no wave."""
        if not self.every or batch.step % self.every:
            return {}
        chosen = [info for info in batch.infos if info["speech_tokens"] and not info["bad_speech"]][: self.count]
        try:
            spoken = [self._speak(info) for info in chosen]
        except (InferenceServerException, Passing) as error:
            log.warning("step %d: no rollout to listen to: %s", batch.step, error)
        else:
            self._write(batch.step, chosen, spoken)
        return {}

    def _write(self, step: int, chosen: Sequence[Mapping[str, Any]], spoken: Sequence[tuple[np.ndarray, int]]) -> None:
        folder = self.folder / f"step_{step:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        board = self._board = self._board or SummaryWriter(str(self.folder / "tensorboard"))  # one file of events
        for i, (info, (wave, rate)) in enumerate(zip(chosen, spoken, strict=True)):
            path = folder / f"{i}.wav"
            soundfile.write(path, wave, rate)
            numbers = {name: value for name, value in info.items() if isinstance(value, int | float)}
            said = {name: info[name] for name in ("text", "transcript")}
            rows.append({"step": step, "path": str(path), **said, **numbers})
            board.add_audio(f"rollout/{i}", wave[None], step, rate)
            words = f"{info['text']} | {info['transcript']} | {info['score']:.3f}"
            board.add_text(f"rollout/{i}", words, step)
            if (wandb := sys.modules.get("wandb")) and wandb.run:  # verl has begun a run in this process
                wandb.log({f"rollout/{i}": wandb.Audio(str(path), caption=words)}, step=step)
        board.flush()
        append_jsonl(self.folder / "rollouts.jsonl", rows)

    def _speak(self, info: Mapping[str, Any]) -> tuple[np.ndarray, int]:
        tokens = np.array(info["speech_tokens"].split(), np.int32)
        row = Row(tokens, info.get("voice") or None, info.get("language", ""), info["text"])
        return self.server.decode([row])[0], self.server.sample_rate
