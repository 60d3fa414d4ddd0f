"""Makes the texts and the small models of the embedded default from packages alone.

    python -m models.tiny_mandarin.build --config-path <recipes/tiny_mandarin> --config-name data
    python -m models.tiny_mandarin.build --config-path <recipes/tiny_mandarin> --config-name reward_asr

Stage `data`, first half: texts -> teacher mels -> speech-token codec -> tokens of the SFT texts -> tokenizer. Stage
`reward_asr`, which SFT need not wait for: the reward's ASR. Each step is skipped when its result is there and was made
from the same configuration; results appear whole or not at all.
"""

import inspect
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import hydra
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from data_prep.check_texts import check_texts
from models.tiny_mandarin.codec import fit_codebook, train_decoder
from models.tiny_mandarin.reward_asr import scrambled, train_reward_asr
from models.tiny_mandarin.teacher import MEL_BINS, MEL_FRAME_RATE, SAMPLE_RATE, Teacher
from models.tiny_mandarin.texts import sample_texts
from models.tiny_mandarin.token2wav import MelDecoder, MelToken2Wav, load_decoder, save_decoder
from models.tiny_mandarin.vocoder import TorchVocoder
from speech.faults import told_plainly
from speech.files import changed_keys, fingerprint, identities, read_jsonl, whole_file, write_jsonl, write_text
from speech.imports import ROOT, imported_files
from speech.interfaces import Row
from speech.waves import resample

ASR_RATE = 16_000  # Hz, of SenseVoice


def _in_threads(make: Callable[[], Callable], items: list, what: str) -> list[np.ndarray]:
    """Each item through what `make` makes in its thread, one thread for each core, in order, with a progress bar.

    Threads, because LiteRT and torch compute without Python's lock, and each process would import all of this first.
    """
    own, one_by_one = threading.local(), threading.Lock()

    def start() -> None:
        torch.set_num_threads(1)  # of what runs in this thread
        with one_by_one:
            own.function = make()

    cores = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(cores, initializer=start) as pool:
            done = pool.map(lambda item: own.function(item), items)
            return list(tqdm(done, total=len(items), desc=what, mininterval=5))
    finally:
        torch.set_num_threads(cores)


def _save_arrays(path: Path, arrays: list[np.ndarray]) -> None:
    with whole_file(path) as temporary, open(temporary, "wb") as out:
        np.savez(out, data=np.concatenate(arrays), lengths=np.array([len(a) for a in arrays]))


def _load_arrays(path: Path) -> list[np.ndarray]:
    stored = np.load(path)
    return np.split(stored["data"], np.cumsum(stored["lengths"])[:-1])


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


class Step(NamedTuple):
    """One step of the build: it makes `outputs` of `settings` and of the steps before it, by code of `modules`."""

    name: str
    outputs: list[str | Path]
    settings: object
    make: Callable[[], None]
    modules: list[str]


class Build:
    """The steps in order; `cfg` is data.yaml or reward_asr.yaml of recipes/tiny_mandarin, composed."""

    def __init__(self, cfg: DictConfig):
        self.recipe, self.cfg = cfg.recipe, cfg.build
        self.work = Path(cfg.recipe.work_dir) / "build"
        # Not recipe.train_texts and the like, which may name a user's own files: those are read, and never written.
        names = ("train", "test", "sft", "sft_val")
        self.train, self.test, self.sft, self.sft_val = (f"{cfg.recipe.data_dir}/{name}.jsonl" for name in names)
        self.work.mkdir(parents=True, exist_ok=True)
        self.state_file = self.work / f"{self.cfg.stage}.json"
        self.state: dict[str, dict] = json.loads(self.state_file.read_text()) if self.state_file.exists() else {}
        self.fingerprint = ""

    def follow(self, name: str, settings: object) -> None:
        """Takes a step into account that the next ones depend on."""
        plain = OmegaConf.to_container(settings) if OmegaConf.is_config(settings) else settings
        self.fingerprint = fingerprint(self.fingerprint, name, plain)

    def step(
        self, name: str, outputs: list[str | Path], settings: object, make: Callable[[], None], modules: list[str]
    ) -> None:
        """Runs `make` unless its outputs are there, and this step and those before it had the same settings.

        Other code (`make` itself, `modules` and what they import) alone does not repeat it: models under a trained one
        are not made again because of an update. It is said, and `run.sh --force` makes all again.
        """
        self.follow(name, settings)
        code = identities(imported_files(modules), ROOT) | {name: fingerprint(inspect.getsource(make))}
        was = self.state.get(name, {})
        was = was if isinstance(was, dict) else {}  # an older version's account, which says not enough
        if was.get("settings") == self.fingerprint and all(Path(o).exists() for o in outputs):
            other = changed_keys(was["code"], code)
            because = f", made by other code ({_some(other)}); bash run.sh --force {self.cfg.stage} makes it again"
            print(f"[build] {name}: there already" + (because if other else ""), flush=True)
            return
        print(f"[build] {name}", flush=True)
        make()
        self.state[name] = {"settings": self.fingerprint, "code": code}
        write_text(self.state_file, json.dumps(self.state, indent=1))

    def run(self) -> None:
        """The steps of `build.stage`."""
        for stage, steps in self.steps().items():
            for one in steps:
                if stage == self.cfg.stage:
                    self.step(*one)
                else:
                    self.follow(one.name, one.settings)

    def steps(self) -> dict[str, list[Step]]:
        """All steps, by the stage that they belong to."""
        r, c, here = self.recipe, self.cfg, __package__
        texts = [self.train, self.test, self.work / "sft_texts.json"]
        mels = [self.work / "mels.npz"]
        tokens = [self.sft, self.sft_val, f"{r.data_dir}/test_teacher.jsonl", self.work / "asr.jsonl"]
        codec = {**c.codec, "codebook_size": r.codebook_size}
        ear = [Path(r.reward_asr_dir) / "model.pt"]
        data = [
            Step("texts", texts, {**c.texts, "seed": c.seed}, self.texts, [f"{here}.texts"]),
            Step("teacher speech", mels, c.scrambled, self.teacher_speech, [f"{here}.teacher"]),
            Step("codec", [r.token2wav_dir], codec, self.codec, [f"{here}.codec"]),
            Step("speech tokens", tokens, c.asr.sentences, self.speech_tokens, [f"{here}.token2wav"]),
            Step("tokenizer", [r.tokenizer_dir], {}, self.tokenizer, [f"{here}.tokenizer"]),
        ]
        modules = [f"{here}.reward_asr", f"{here}.token2wav"]
        return {"data": data, "reward_asr": [Step("reward ASR", ear, c.asr, self.reward_asr, modules)]}

    def texts(self) -> None:
        c = self.cfg.texts
        test, sft_val, sft, train = sample_texts([c.test, c.sft_val, c.sft, c.train], self.cfg.seed)
        for path, texts in ((self.test, test), (self.train, train)):
            write_jsonl(path, ({"text": text, "language": self.recipe.language} for text in texts))
        write_text(self.work / "sft_texts.json", json.dumps(sft + sft_val, ensure_ascii=False))

    def _spoken_texts(self) -> tuple[list[str], list[str], list[str]]:
        """SFT texts, its held-out ones last; held-out texts; texts of random characters for the reward ASR."""
        sft = json.loads((self.work / "sft_texts.json").read_text())
        test = [row["text"] for row in read_jsonl(self.test)]
        c = self.cfg.scrambled
        return sft, test, scrambled(sft, c.count, c.min_length, c.max_length, self.cfg.seed)

    def teacher_speech(self) -> None:
        sft, test, random_texts = self._spoken_texts()

        def speaking() -> Callable[[str], np.ndarray]:
            teacher = Teacher(num_threads=1)
            return lambda text: teacher.mel(text).astype(np.float16)

        mels = _in_threads(speaking, sft + test + random_texts, "teacher speech")
        _save_arrays(self.work / "mels.npz", mels)

    def codec(self) -> None:
        c = self.cfg.codec
        torch.manual_seed(self.cfg.seed)
        count = min(c.sentences, self.cfg.texts.sft)
        mels = [mel.astype(np.float32) for mel in _load_arrays(self.work / "mels.npz")[:count]]
        decoder = MelDecoder(self.recipe.codebook_size, c.frames_per_token, MEL_BINS, c.channels)
        fit_codebook(decoder, mels, c.kmeans_vectors, self.cfg.seed)
        loss = train_decoder(decoder, mels, c.steps, c.batch_size, c.crop_tokens, c.learning_rate, self.cfg.seed)
        save_decoder(decoder, self.recipe.token2wav_dir)
        print(f"[build] codec: mel L1 {loss:.4f} (in standard deviations)", flush=True)

    def _all_tokens(self) -> list[list[int]]:
        decoder = load_decoder(self.recipe.token2wav_dir)
        mels = [mel.astype(np.float32) for mel in _load_arrays(self.work / "mels.npz")]
        return [ids.tolist() for ids in decoder.encode_all(mels)]

    def speech_tokens(self) -> None:
        sft, test, random_texts = self._spoken_texts()
        tokens = self._all_tokens()
        rows = [
            {"text": text, "language": self.recipe.language, "speech_tokens": ids}
            for text, ids in zip(sft + test + random_texts, tokens, strict=True)
        ]
        write_jsonl(self.sft, rows[: self.cfg.texts.sft])
        write_jsonl(self.sft_val, rows[self.cfg.texts.sft : len(sft)])
        write_jsonl(f"{self.recipe.data_dir}/test_teacher.jsonl", rows[len(sft) : len(sft) + len(test)])
        write_jsonl(str(self.work / "asr.jsonl"), rows[: self.cfg.asr.sentences] + rows[len(sft) + len(test) :])

    def reward_asr(self) -> None:
        c, rows = self.cfg.asr, read_jsonl(self.work / "asr.jsonl")
        tokens = [row["speech_tokens"] for row in rows]
        # The reward server's own vocoder: the ear learns the waves that it will hear.
        token2wav = MelToken2Wav(self.recipe.token2wav_dir, TorchVocoder("auto"), SAMPLE_RATE, MEL_FRAME_RATE)

        def wave(ids: list[int]) -> np.ndarray:
            row = Row(tokens=np.array(ids, np.int32), voice=None, language="zh")
            return resample(token2wav.decode([row])[0], SAMPLE_RATE, ASR_RATE)

        waves = _in_threads(lambda: wave, tokens, "reward ASR: speech")
        loss = train_reward_asr(
            [row["text"] for row in rows],
            waves,
            self.recipe.reward_asr_dir,
            steps=c.steps,
            batch_size=c.batch_size,
            learning_rate=c.learning_rate,
            width=c.width,
            blocks=c.blocks,
            seed=self.cfg.seed,
        )
        print(f"[build] reward ASR: CTC loss {loss:.3f}", flush=True)

    def tokenizer(self) -> None:
        from models.tiny_mandarin.tokenizer import build_tokenizer  # not above: transformers, which nothing else needs

        texts = self._spoken_texts()
        build_tokenizer(texts[0] + texts[1], self.recipe.codebook_size, self.recipe.tokenizer_dir)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))))
    with told_plainly():
        if "prepare" in cfg:
            check_texts(cfg)  # before minutes of work
        Build(cfg).run()


if __name__ == "__main__":
    main()
