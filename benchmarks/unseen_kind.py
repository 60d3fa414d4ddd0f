"""Does GRPO teach a kind of sentence for which nobody recorded speech? On a finished run of the default recipe:

    python -m benchmarks.unseen_kind split exp/tiny_mandarin exp/unseen/data trip date

writes texts and speech for a second run: for SFT without the two kinds, for GRPO of the first kind and of those of SFT
(half each; the second kind is the control: nobody trains on it), and held-out texts of all three, from the texts that
were for GRPO. Then stages data_prep.prepare, sft, token_ear, train, merge and eval of that folder (RESULTS.md has the
commands), and

    python -m benchmarks.unseen_kind table exp/unseen/data EVAL_FOLDER ...

prints mean error per kind, model and decoding with intervals (texts are resampled), paired differences, and the mean
over the folders (seeds).
"""

import json
import random
import re
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

from infer.statistics import Bootstrap, Estimate
from models.tiny_mandarin.texts import DAYS, PLACES, WEATHER
from speech.files import write_jsonl

KINDS = {
    "price": "一共.*块钱$",
    "age": "今年.*岁了$",
    "minutes": "^去.*要.*分钟$",
    "buy": "想买",
    "date": f"^({'|'.join(DAYS[:3])})是",
    "now": "^现在是",
    "weather": f"({'|'.join(WEATHER)})$",
    "trip": "月.*号去",
    "errand": f"点.*去({'|'.join(PLACES)})$",
}  # else it is an activity
HELD_OUT = {"unseen": 100, "control": 60, "spoken": 100}  # texts


def kind_of(text: str) -> str:
    """Which template of models/tiny_mandarin/texts.py a sentence is of."""
    return next((kind for kind, mark in KINDS.items() if re.search(mark, text)), "activity")


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def split(run: Path, out: Path, unseen: str, control: str) -> None:
    """Writes sft, sft_val, train and test.jsonl into `out`, and kinds.json."""
    groups = {unseen: "unseen", control: "control"}
    for name in ("sft", "sft_val"):
        rows = [row for row in read(run / "data" / f"{name}.jsonl") if kind_of(row["text"]) not in groups]
        write_jsonl(out / f"{name}.jsonl", rows)
        print(f"{name}: {len(rows)} texts")
    pool = defaultdict(list)
    for row in read(run / "data/train.jsonl"):
        pool[groups.get(kind_of(row["text"]), "spoken")].append(row)
    for rows in pool.values():
        random.Random(0).shuffle(rows)
    test = [row for group, count in HELD_OUT.items() for row in pool[group][:count]]
    new, old = (pool[group][HELD_OUT[group] :] for group in ("unseen", "spoken"))
    train = new + old[: len(new)]
    write_jsonl(out / "test.jsonl", test)
    write_jsonl(out / "train.jsonl", train)
    (out / "kinds.json").write_text(json.dumps(groups))
    print(f"train: {len(train)} texts, half of them {unseen}; test: {len(test)}")


def errors(folder: Path, groups: dict[str, str]) -> dict[tuple[str, str, str], dict[int, float]]:
    """(group of kinds, system, decoding) -> {index of the text: pinyin error, at most 1}."""
    found: dict = defaultdict(dict)
    for row in read(folder / "utterances.jsonl"):
        group = groups.get(kind_of(row["text"]), "spoken")
        found[group, row["system"], row["decoding"]][row["index"]] = min(1.0, row["pinyin_error"])
    return found


def shown(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} ({estimate.low:{sign}.3f} to {estimate.high:{sign}.3f})"


def table(data: Path, folders: list[Path], baseline: str = "SFT") -> None:
    """Prints what the module says."""
    groups, boot = json.loads((data / "kinds.json").read_text()), Bootstrap(10_000, 0, 0.95)
    runs = [errors(folder, groups) for folder in folders]
    means = defaultdict(list)
    for folder, run in zip(folders, runs, strict=True):
        print(f"\n{folder}\n| kind | decoding | model | error | minus {baseline} | as a share |")
        print("|---" * 6 + "|")
        for (group, system, decoding), by_text in sorted(run.items()):
            values = [by_text[i] for i in sorted(by_text)]
            means[group, decoding, system].append(mean(values))
            line = f"| {group} | {decoding} | {system} | {shown(boot.mean(values))} |"
            before = run.get((group, baseline, decoding))
            if system != baseline and before:
                change = boot.difference([before[i] for i in sorted(by_text)], values)
                share = change.relative
                line += f" {shown(change.absolute, '+')} | {shown(share, '+') if share else '-'} |"
            print(line)
    print("\nmean over the folders:")
    for (group, decoding, system), each in sorted(means.items()):
        print(f"| {group} | {decoding} | {system} | {mean(each):.3f} | {', '.join(f'{one:.3f}' for one in each)} |")


if __name__ == "__main__":
    what, first, *rest = sys.argv[1:]
    if what == "split":
        split(Path(first), *map(Path, rest[:1]), *rest[1:])
    else:
        table(Path(first), [Path(one) for one in rest])
