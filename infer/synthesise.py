"""Texts -> speech tokens, by vLLM or, as the reference, by transformers.

    python -m infer.synthesise --config-path <recipe> --config-name eval     # all systems x decodings, a file of texts
    python -m infer.synthesise --config-path <recipe> --config-name infer text=今天天气很好

Prompts are those of stage data (infer/texts.py). Writes one JSONL per system and decoding (see infer.records), whole or
not at all. The same configuration gives the same tokens: each request has its own seed. What was said before an
interruption lies beside it, and the same command goes on behind that.
"""

import os

import hydra
from omegaconf import DictConfig, open_dict

from infer.given_voice import use_given
from infer.kept import begin, identities_now, record, spoken_already
from infer.records import check_checkpoints, join_parts, settle_systems, token_files
from infer.shares import in_processes, workers_of
from speech.faults import told_plainly


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        use_given(cfg)
        settle_systems(cfg)
        is_all = cfg.get("share") is None
        made_with = identities_now(cfg) if is_all else {}
        if kept := spoken_already(cfg, made_with):
            print(f"{', '.join(kept)}: spoken already ({cfg.tokens_dir})", flush=True)
            with open_dict(cfg):
                cfg.systems = {name: path for name, path in cfg.systems.items() if name not in kept}
        if not cfg.systems:
            return
        if is_all:
            begin(cfg, made_with)
        if (count := workers_of(cfg)) > 1:
            only = [f"++only=[{','.join(map(repr, cfg.systems))}]"] if kept else []
            in_processes("infer.synthesise", count, *only, f"+begun='{cfg.begun}'" if cfg.begun else "+begun=null")
            join_parts(token_files(cfg).values(), count, cfg.begun)
        else:
            check_checkpoints(cfg)
            for name, value in cfg.vllm_environment.items():  # torch and vLLM read it when they are imported
                os.environ.setdefault(name, str(value))
            from infer.speak import synthesise  # here: it loads torch and transformers, which takes 5 s

            synthesise(cfg)
        if is_all:
            record(cfg, made_with)


if __name__ == "__main__":
    main()
