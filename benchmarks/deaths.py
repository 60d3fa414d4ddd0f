"""GRPO while the reward server's processes are killed: does the run end by itself, with the rewards of a quiet server?

    .venv/bin/python -m benchmarks.deaths [--inputs-dir exp/tiny_mandarin] [--work-dir exp/deaths] [--steps 20]

Stages serve and train as a user starts them, from a finished SFT model. At moments spread over the steps Triton, one of
its backend stubs, the front, the whole server and Triton again are ended by SIGKILL. Afterwards stage score, which has
no server at all, measures the same completions, and each reward is compared with the one that training got.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import psutil

from benchmarks.reward_server import free_ports
from benchmarks.soak import table
from speech.files import read_jsonl, write_jsonl, write_text
from stages.config import ROOT
from tests.helpers.server_processes import left_behind, processes_of, send

KILLED = ("triton", "stub", "front", "server", "triton")
_TOLERANCE = 1e-4  # rewards are float32; the same wave in another batch is equal to about 1e-6


def server_of(work_dir: Path) -> int | None:
    """Pid of the reward server that runs for this work folder."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "reward_tts.server" in line and f"recipe.work_dir={work_dir}" in line:
            return process.pid
    return None


def kill(what: str, work_dir: Path) -> bool:
    """Ends one of the server's processes; False if there is none at this moment."""
    pid = server_of(work_dir)
    if pid is None:
        return False
    roles = processes_of(SimpleNamespace(process=SimpleNamespace(pid=pid))) | {"server": [pid]}
    if not roles[what]:
        return False
    send(roles[what][:1], signal.SIGKILL)
    return True


def train(work_dir: Path, inputs_dir: Path, steps: int, overrides: list[str], seed: int) -> dict:
    """Runs serve and train, and kills on the way; what happened."""
    rollouts, chance, killed, pids = work_dir / "rollouts", random.Random(seed), [], set()
    http, grpc, metrics = free_ports()
    argv = ["bash", "run.sh", "serve", "train", f"recipe.work_dir={work_dir}", f"recipe.inputs_dir={inputs_dir}"]
    argv += [f"trainer.total_training_steps={steps}", f"trainer.rollout_data_dir={rollouts}"]
    argv += ["trainer.val_before_train=false", "trainer.test_freq=-1", f"recipe.server.http_port={http}"]
    argv += [f"recipe.server.grpc_port={grpc}", f"recipe.server.metrics_port={metrics}", *overrides]
    after = [1 + round(i * (steps - 3) / (len(KILLED) - 1)) for i in range(len(KILLED))]
    work_dir.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with open(work_dir / "console.log", "wb") as console:
        run = subprocess.Popen(argv, cwd=ROOT, stdout=console, stderr=subprocess.STDOUT)
        while run.poll() is None:
            pids |= {pid for pid in [server_of(work_dir)] if pid}
            done = len(list(rollouts.glob("*.jsonl")))
            if len(killed) < len(KILLED) and done >= after[len(killed)]:
                time.sleep(chance.uniform(0, 12))  # anywhere in the step: rollout, rewards, update
                while not kill(KILLED[len(killed)], work_dir) and run.poll() is None:
                    time.sleep(0.5)
                killed.append(KILLED[len(killed)])
                print(f"after step {done}: {killed[-1]} ended", flush=True)
            time.sleep(1)
    minutes = round((time.monotonic() - begin) / 60, 1)
    left = [what for pid in pids for what in left_behind(pid)]
    return {
        "exit status": run.returncode,
        "minutes": minutes,
        "killed": killed,
        "servers": len(pids),
        "left behind": left,
    }


def compare(work_dir: Path, inputs_dir: Path, steps: int) -> dict:
    """Rewards of training against those of stage score, for each completion."""
    dumped = [work_dir / "rollouts" / f"{step}.jsonl" for step in range(1, steps + 1)]
    rows = [row for path in dumped for row in read_jsonl(path)]
    asked, scored = work_dir / "completions.jsonl", work_dir / "completions.scored.jsonl"
    write_jsonl(asked, ({"text": row["gts"], "output": row["output"], "trained_on": row["score"]} for row in rows))
    scored.unlink(missing_ok=True)
    argv = ["bash", "run.sh", "score", f"input={asked}", f"output={scored}", f"recipe.inputs_dir={inputs_dir}"]
    subprocess.run([*argv, f"recipe.work_dir={work_dir}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    gaps = [abs(row["score"] - row["trained_on"]) for row in read_jsonl(scored)]
    return {
        "completions": len(gaps),
        "rewards as a quiet pipeline gives": sum(gap <= _TOLERANCE for gap in gaps),
        "others": dict(Counter(round(gap, 3) for gap in gaps if gap > _TOLERANCE)),
    }


def main() -> None:
    """Runs it, prints the table, and fails if the run did, if a row is missing, or if a reward is another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs-dir", type=Path, default=Path("exp/tiny_mandarin"))
    parser.add_argument("--work-dir", type=Path, default=Path("exp/deaths"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("overrides", nargs="*", help="of stage train, as for run.sh")
    args = parser.parse_args()
    os.chdir(ROOT)
    told = train(args.work_dir, args.inputs_dir, args.steps, args.overrides, args.seed)
    if told["exit status"] == 0:
        told |= compare(args.work_dir, args.inputs_dir, args.steps)
    write_text(args.work_dir / "deaths.json", json.dumps(told, indent=1))
    print(table(told))
    if told["exit status"] or told["others"] or told["left behind"] or len(told["killed"]) < len(KILLED):
        raise SystemExit("the run failed, a process was not killed, or rewards differ")


if __name__ == "__main__":
    main()
