"""Stage `checkpoints`, last command: what the evaluation's ASR heard of each checkpoint -> which is best.

    python -m infer.best --config-path <recipe> --config-name checkpoints

Writes best.json, which `merge merge.step=best` reads: {"measure", "ranking": [{"step", "error", "low", "high"}, ...]},
the lowest error first and, of equal ones, the earlier step. Which of them merge takes, it says: none from behind an
alarm of the guard.
"""

import json
import re
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from merge.choose import NoChoice, ranked_steps
from speech.faults import UserError, told_plainly
from speech.files import write_text
from speech.paths import input_file


def ranking(results: dict[str, Any], decoding: str) -> list[dict[str, Any]]:
    """The steps of results.json (infer.evaluate), best first. Raises ValueError if there is none of this decoding."""
    measure, found = results["headline"], []
    for system in results["systems"]:
        step = re.fullmatch(r"step_(\d+)", system["system"])
        if step and system["decoding"] == decoding:
            heard = system[measure]
            found.append({"step": int(step[1]), "error": heard["value"], "low": heard["low"], "high": heard["high"]})
    if not found:
        raise UserError(f"no checkpoint was heard with the decoding {decoding}")
    return sorted(found, key=lambda row: (row["error"], row["step"]))


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    results = json.loads(Path(input_file(f"{cfg.out_dir}/results.json", "what was heard")).read_text(encoding="utf-8"))
    ranked = ranking(results, cfg.best.decoding)
    told = {"measure": results["headline"], "decoding": cfg.best.decoding, "ranking": ranked}
    write_text(cfg.best.file, json.dumps(told, indent=1) + "\n")
    for row in ranked:
        interval = "" if row["low"] is None else f" ({row['low']:.4f} to {row['high']:.4f})"  # of a few texts
        print(f"step {row['step']}: {results['headline']} {row['error']:.4f}{interval}")
    use = f"bash run.sh --recipe {cfg.recipe.name} merge merge.step=best"
    try:
        print(f"best: step {ranked_steps(cfg.recipe.grpo_dir, cfg.best.file)[0]}, in {cfg.best.file}. To use it: {use}")
    except NoChoice as none:
        print(f"best: none. {none}")


if __name__ == "__main__":
    main()
