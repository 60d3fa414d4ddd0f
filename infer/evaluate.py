"""Stage `eval`, second half: systems' speech tokens -> what an independent ear hears -> a table and a picture.

    python -m infer.evaluate --config-path <recipe> --config-name eval

Reads what `infer.synthesise` wrote with the same configuration, and the teacher's own tokens (the ceiling: what the
codec and the ear allow). Any other files can be compared in the same way, first one the baseline:

    ... --config-name eval 'files={before.sampled: a.jsonl, after.sampled: b.jsonl}' out_dir=my_eval

Writes to `out_dir`: utterances.jsonl, results.json, results.md, results.png, waves of the first texts to listen to,
report.html (all of this in one file, with the best and the worst texts to hear) and errs-SYSTEM.DECODING.txt.
"""

import json
import shutil
from typing import Any

import hydra
from omegaconf import DictConfig

from data_prep.jsonl import spoken_part
from infer.ears import refuse_unheard
from infer.hear import Listener, errors, expressed, paid_for, refuse_same_family
from infer.records import Utterance, read_utterances, settle_systems, token_files
from infer.report import draw, markdown
from infer.report_page import choose, page, statistics
from infer.shares import in_processes, share, workers_of
from infer.statistics import Bootstrap
from infer.summary import Key, groups, results_of
from infer.waves import by_number, write_waves
from speech.faults import told_plainly
from speech.files import write_jsonl, write_text
from speech.paths import check_outputs
from speech.readings import written

WRITTEN = ("utterances.jsonl", "results.md", "results.json", "results.png", "report.html")  # into out_dir
CEILING: Key = ("teacher", "codec")


def listen(listener: Listener, utterances: list[Utterance]) -> list[dict[str, Any]]:
    """One flat dictionary per utterance: who it is, what was heard, errors and prosody."""
    rows = []
    for utterance, heard in zip(utterances, listener.hear(utterances), strict=True):
        wrong = errors(utterance.text, heard["transcript"], utterance.language)
        rate = wrong["characters"] / heard["duration_s"] if heard["duration_s"] else None
        identity = {"index": utterance.index, "sample": utterance.sample, "text": utterance.text}
        identity["language"] = utterance.language
        finished = None if utterance.finished is None else float(utterance.finished)
        labels = {"set": utterance.set, "emotion": utterance.emotion, "unknown": utterance.unknown}
        labels |= {"chosen_by": utterance.chosen_by}
        identity |= {name: label for name, label in labels.items() if label}
        heard = {name: value for name, value in heard.items() if name != "emotion"} | expressed(utterance, heard)
        rows.append({**identity, **heard, **wrong, "characters_per_second": rate, "finished": finished})
    return rows


def files_to_hear(cfg: DictConfig) -> dict[Key, str]:
    """{(system, decoding): JSONL}: `files` if given ("system.decoding" as key), else ceiling and all synthesised."""
    if cfg.files:
        return {tuple(name.rsplit(".", 1)) if "." in name else (name, "-"): path for name, path in cfg.files.items()}
    ceiling = {CEILING: cfg.teacher} if cfg.teacher else {}
    return ceiling | token_files(cfg)


def read_all(cfg: DictConfig) -> dict[Key, list[Utterance]]:
    """The utterances to hear, without the ceiling if the teacher spoke other texts than the systems did. Raises
    ValueError: one of a language that the ASR does not know."""
    found = {key: read_utterances(p, cfg.recipe.language, cfg.limit) for key, p in files_to_hear(cfg).items()}
    texts = {key: {spoken_part(written(u.text, u.language)) for u in us} for key, us in found.items()}
    if CEILING in found and any(texts[key] != texts[CEILING] for key in found):
        print(f"no ceiling: {cfg.teacher} (teacher) speaks other texts than {cfg.texts}", flush=True)
        del found[CEILING]
    refuse_unheard(cfg, {u.language for us in found.values() for u in us})
    return found


def hear_share(cfg: DictConfig) -> None:
    """Hears this process's share of all utterances, for the cache."""
    listener = Listener(cfg)
    for utterances in read_all(cfg).values():
        listener.hear(share(utterances, cfg))


def write_report(
    cfg: DictConfig,
    results: dict[str, Any],
    table: str,
    heard: dict[Key, list[dict]],
    spoken: dict[Key, list[Utterance]],
    listener: Listener,
) -> None:
    """errs-*.txt, and report.html with the sentences of cfg.report, in the first decoding that both systems have."""
    for (system, decoding), rows in heard.items():
        write_text(f"{cfg.out_dir}/errs-{system}.{decoding}.txt", statistics(rows).text())
    pair = list(dict.fromkeys((results["baseline"], results["candidate"])))
    pair = [system for system in pair if any(key[0] == system for key in heard)]
    decodings = [d for s, d in heard if s == pair[-1] and all((other, d) in heard for other in pair)]
    if not decodings:  # files of one decoding each: nothing that can be put side by side
        pair, decodings = pair[-1:], [d for s, d in heard if s == pair[-1]]
    here = {system: heard[system, decodings[0]] for system in pair}
    lists = choose(here, results["headline"], pair[0], pair[-1], cfg.report.each)
    wanted = {index for one in lists for index, _ in one.texts}
    waves = {}
    for system in pair:
        chosen = [u for u in spoken[system, decodings[0]] if u.index in wanted and u.sample == 0]
        decoded = zip(chosen, listener.speak(chosen) if chosen else [], strict=True)
        waves |= {(system, u.index): (wave, listener.token2wav.sample_rate) for u, wave in decoded}
    shown = results | {"baseline": pair[0], "candidate": pair[-1]}
    whole = page(shown, table, f"{cfg.out_dir}/results.png", heard, lists, decodings[0], waves)
    write_text(f"{cfg.out_dir}/report.html", whole)


def compared(cfg: DictConfig, heard: list[str]) -> tuple[str, str | None]:
    """Baseline and candidate: those of `compare`, or the first and the last of `files` or, where neither of the two was
    heard, of the systems. One that was not heard is named, unless `only` says so."""
    named = (cfg.compare.baseline, cfg.compare.candidate)
    own = [name for name in heard if name != CEILING[0] or cfg.files] or heard
    pair = named if not cfg.files and set(named) & set(heard) else (own[0], own[-1])
    missing = [name for name in named if name not in (None, *heard)]
    if missing and not cfg.files and not cfg.get("only"):
        instead = f", {pair[0]} and {pair[1]} are compared" if pair != named else ""
        print(f"{' and '.join(missing)} (compare) not heard, but {', '.join(heard)}{instead}", flush=True)
    return pair


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """Hears, counts and compares; writes the files. Returns what results.json holds."""
    refuse_same_family(cfg.reward_server.asr, cfg.ear)
    paid = paid_for(cfg)
    inputs = {f"files.{'.'.join(key)}": path for key, path in files_to_hear(cfg).items()}
    check_outputs(inputs, {f"out_dir/{name}": f"{cfg.out_dir}/{name}" for name in WRITTEN})
    listener = Listener(cfg)
    if (count := workers_of(cfg)) > 1:  # they keep what they hear in the cache, where it is found below
        in_processes("infer.evaluate", count)
    bootstrap = Bootstrap(cfg.bootstrap.resamples, cfg.recipe.seed, cfg.bootstrap.level)
    heard: dict[Key, list[dict]] = {}
    spoken = read_all(cfg)
    for key, utterances in spoken.items():
        print(f"listening to {key[0]}, {key[1]}", flush=True)
        heard[key] = listen(listener, utterances)
        folder = f"{cfg.out_dir}/waves/{'.'.join(key)}"
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier evaluation: who says nothing now leaves no wave
        examples = [u for u in utterances if u.index < cfg.listen_to and u.sample == 0]
        if examples:
            write_waves(by_number(folder, examples), listener.speak(examples), listener.token2wav.sample_rate)
    pair = compared(cfg, list(dict.fromkeys(system for system, _ in heard)))
    results = {
        "recipe": cfg.recipe.name,
        "seed": cfg.recipe.seed,
        "ear": cfg.ear._target_,
        "paid_for": paid,
        "baseline": pair[0],
        "candidate": pair[1],
        **results_of(heard, pair, bootstrap, cfg.outlier_at),
        "groups": [
            {"by": by, "name": name, **results_of(part, pair, bootstrap, cfg.outlier_at)}
            for by, name, part in groups(heard)
        ],
    }
    table = markdown(results, cfg.outlier_at, cfg.bootstrap)
    lines = ({"system": s, "decoding": d, **row} for (s, d), rows in heard.items() for row in rows)
    write_jsonl(f"{cfg.out_dir}/utterances.jsonl", lines)
    write_text(f"{cfg.out_dir}/results.md", table)
    draw(results, f"{cfg.out_dir}/results.png")
    write_report(cfg, results, table, heard, spoken, listener)
    write_text(f"{cfg.out_dir}/results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(table)
    print(f"also in {cfg.out_dir}: report.html (open it in a browser), results.json, results.md, results.png,")
    print("utterances.jsonl, errs-*.txt, waves/")
    return results


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        settle_systems(cfg)
        if cfg.get("share") is None:
            evaluate(cfg)
        else:
            hear_share(cfg)


if __name__ == "__main__":
    main()
