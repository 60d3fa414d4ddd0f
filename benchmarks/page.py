"""Seconds from a click to sound on the page beside `bash run.sh infer`, in turns on the same machine.

    bash run.sh demo                                                    # in another terminal
    .venv-reward/bin/python -m benchmarks.page --pid PID [--url URL] [--turns 3] [--recipe tiny_mandarin]

Each turn is a sentence by `infer` (a new process that loads everything) and three by the page, which has spoken before.
Wall seconds, and CPU seconds of all processes of the command, or of the page's. The machine may be busy: both are.
"""

import argparse
import os
import resource
import subprocess
import time
from statistics import median

from gradio_client import Client

TEXTS = ("老师星期六中午买东西", "姐姐星期三晚上坐火车", "今天是十二月二十五号")
OWN = "as the recipe chooses"


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and its threads so far (proc(5): utime and stime)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def by_infer(recipe: str, text: str) -> tuple[float, float]:
    """Wall and CPU seconds of one sentence by stage infer."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        ["bash", "run.sh", "--recipe", recipe, "infer", f"text={text}"], check=True, stdout=subprocess.DEVNULL
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_page(client: Client, page: int, text: str, seed: int) -> tuple[float, float, float, float]:
    """Wall and CPU seconds until the wave is here, and until its verdict is."""
    cpu, began = cpu_of(page), time.monotonic()
    client.predict(text, "GRPO", "greedy", OWN, seed, 1, api_name="/speak")
    sound, spent = time.monotonic() - began, cpu_of(page) - cpu
    client.predict(api_name="/judged")
    return sound, spent, time.monotonic() - began, cpu_of(page) - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7860")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--recipe", default="tiny_mandarin")
    parser.add_argument("--pid", type=int, required=True, help="of the page: pgrep -f 'python -m demo'")
    own = parser.parse_args()
    client, infer, spoken = Client(own.url, verbose=False), [], []
    by_page(client, own.pid, TEXTS[0], 0)
    for turn in range(own.turns):
        infer.append(by_infer(own.recipe, TEXTS[turn % len(TEXTS)]))
        spoken += [by_page(client, own.pid, text, turn) for text in TEXTS]
        print(
            f"infer {infer[-1][0]:.1f} s ({infer[-1][1]:.1f} CPU s); page, median of the last three: sound "
            f"{median(s[0] for s in spoken[-3:]):.2f} s, verdict {median(s[2] for s in spoken[-3:]):.2f} s",
            flush=True,
        )
    wall, cpu = (median(one[k] for one in infer) for k in (0, 1))
    sound, spent, verdict, all_spent = (median(one[k] for one in spoken) for k in range(4))
    print(f"| | seconds | CPU seconds | faster |\n|---|---|---|---|\n| infer | {wall:.1f} | {cpu:.1f} | 1 |")
    print(f"| page, until the sound | {sound:.2f} | {spent:.2f} | {wall / sound:.0f} times |")
    print(f"| page, until its verdict | {verdict:.2f} | {all_spent:.2f} | {wall / verdict:.0f} times |")


if __name__ == "__main__":
    main()
