"""Where the seconds of a GRPO step of cosyvoice2 go at its released size, with random weights: no model hub is needed.

    .venv/bin/python -m benchmarks.full_size [--steps 10] [--dry-run] [hydra overrides of stage train ...]

Writes a release into exp/full_size (Qwen2 of 0.5 billion parameters, CosyVoice2's flow and HiFT, all as released; the
ASR is SenseVoice 512 wide with 52 blocks, about half of the released one's products), 3 GB, and texts; converts it as
stage models would; trains for so many steps with the recipe's own settings, and ends with the table of
`benchmarks.step`. Random weights hardly ever end by themselves, so every rollout has `data.max_response_length` tokens,
10 s here: the time of a step, not what is learnt. `--dry-run` prints the commands.
"""

import argparse
import shlex
import subprocess
from pathlib import Path

from speech.files import read_jsonl, write_jsonl
from stages.config import ROOT, config_dir

WORK = Path("exp/full_size")
TOKENS = 250  # 25 a second
TEXTS = 2000
CHARACTERS = "今天气很好明晚上我们去吃饭"  # its tokenizer knows hardly any others


def commands(steps: int, overrides: list[str]) -> list[list[str]]:
    """What is run, in order, in the checkout; `write_data` comes after the second."""
    where = f"recipe.work_dir={WORK}"
    convert = [".venv/bin/python", "-m", "models.cosyvoice.to_huggingface", "--config-path"]
    length = [f"data.max_response_length={TOKENS}", f"trainer.total_training_steps={steps}"]
    return [
        [
            ".venv-reward/bin/python",
            "-m",
            "tests.helpers.cosyvoice_release",
            "cosyvoice2",
            f"{WORK}/pretrained",
            "full",
        ],
        [*convert, str(config_dir("cosyvoice2")), "--config-name", "models", where],
        ["bash", "run.sh", "--recipe", "cosyvoice2", "data", where],
        [
            "bash",
            "run.sh",
            "--recipe",
            "cosyvoice2",
            "serve",
            "train",
            where,
            *length,
            "trainer.test_freq=-1",
            *overrides,
        ],
        [".venv/bin/python", "-m", "benchmarks.step", str(WORK), "--recipe", "cosyvoice2", "--skip", "1", *length],
    ]


def write_data(folder: Path, release: Path) -> None:
    """Texts of eight characters, and the release's two voices."""
    told = [row | {"wav": str((release / row["wav"]).resolve())} for row in read_jsonl(release / "voices.jsonl")]
    write_jsonl(folder / "recordings.jsonl", told)
    for name, first, count in (("test", 0, 16), ("train", 16, TEXTS)):
        write_jsonl(folder / f"{name}.jsonl", [{"text": _text(first + n), "voice": "high"} for n in range(count)])


def _text(number: int) -> str:
    """Each number's own, eight characters."""
    base, found = len(CHARACTERS), ""
    for _ in range(8):
        number, place = divmod(number, base)
        found += CHARACTERS[place]
    return found


def main() -> None:
    """Entry point of `python -m benchmarks.full_size`."""
    parser = argparse.ArgumentParser(prog="benchmarks.full_size")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("overrides", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    release = ROOT / WORK / "pretrained/CosyVoice2-0.5B"
    for number, argv in enumerate(commands(args.steps, args.overrides)):
        print(shlex.join(argv), flush=True)
        if args.dry_run:
            continue
        if number != 0 or not release.is_dir():
            subprocess.run(argv, cwd=ROOT, check=True)
        if number == 1:
            write_data(ROOT / WORK / "data", release)


if __name__ == "__main__":
    main()
