"""Does GRPO teach a kind of sentence for which nobody recorded speech? On a finished run of the default recipe:

    python -m benchmarks.unseen_kind split exp/tiny_mandarin exp/unseen/data taught=二十[一-九]号 control=一共六百

writes texts and speech for a second run: for SFT without the sentences that match any of the patterns, for GRPO those
of `taught` and as many of SFT's kinds (nobody trains on other patterns: they are the control), and held-out texts.
Then stages data_prep.prepare, sft, token_ear, train, merge and eval of that folder (RESULTS.md has the commands), and

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
from speech.files import read_jsonl, write_jsonl

HELD_OUT = 80  # texts of each pattern, and of the others


def kind_of(text: str, patterns: dict[str, str]) -> str:
    """The first pattern that a sentence matches, or "spoken"."""
    return next((kind for kind, pattern in patterns.items() if re.search(pattern, text)), "spoken")


def split(run: Path, out: Path, patterns: dict[str, str]) -> None:
    """Writes sft, sft_val, train and test.jsonl and patterns.json into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    pool = defaultdict(list)
    for row in read_jsonl(run / "data/train.jsonl"):
        pool[kind_of(row["text"], patterns)].append(row)
    for name in ("sft", "sft_val"):
        rows = read_jsonl(run / "data" / f"{name}.jsonl")
        kept = [row for row in rows if kind_of(row["text"], patterns) == "spoken"]
        write_jsonl(out / f"{name}.jsonl", kept)
        print(f"{name}: {len(kept)} of {len(rows)} texts")
        for row in rows:  # of the others the text alone is used
            if (kind := kind_of(row["text"], patterns)) != "spoken":
                pool[kind].append({"text": row["text"], "language": row["language"]})
    for rows in pool.values():
        random.Random(0).shuffle(rows)
    held_out = [row for kind in (*patterns, "spoken") for row in pool[kind][:HELD_OUT]]
    new, old = (pool[kind][HELD_OUT:] for kind in ("taught", "spoken"))
    write_jsonl(out / "test.jsonl", held_out)
    write_jsonl(out / "train.jsonl", new + old[: len(new)])
    (out / "patterns.json").write_text(json.dumps(patterns, ensure_ascii=False), encoding="utf-8")
    print(f"train: {len(new)} texts that are taught, {len(old[: len(new)])} others; test: {len(held_out)}")


def errors(folder: Path, patterns: dict[str, str]) -> dict[tuple[str, str, str], dict[int, float]]:
    """(kind, system, decoding) -> {index of the text: pinyin error, at most 1}."""
    found: dict = defaultdict(dict)
    for row in read_jsonl(folder / "utterances.jsonl"):
        kind = kind_of(row["text"], patterns)
        found[kind, row["system"], row["decoding"]][row["index"]] = min(1.0, row["pinyin_error"])
    return found


def shown(estimate: Estimate, sign: str = "") -> str:
    value = f"{estimate.value:{sign}.3f}"
    return value if estimate.low is None else f"{value} ({estimate.low:{sign}.3f} to {estimate.high:{sign}.3f})"


def table(data: Path, folders: list[Path], baseline: str = "SFT") -> None:
    """Prints what the module says."""
    patterns = json.loads((data / "patterns.json").read_text(encoding="utf-8"))
    boot = Bootstrap(10_000, 0, 0.95)
    runs = [errors(folder, patterns) for folder in folders]
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
        split(Path(first), Path(rest[0]), dict(given.split("=", 1) for given in rest[1:]))
    else:
        table(Path(first), [Path(one) for one in rest])
