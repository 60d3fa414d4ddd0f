"""Texts -> speech tokens, by vLLM or, as the reference, by transformers.

    python -m infer.synthesise --config-path <recipe> --config-name eval     # all systems x decodings, a file of texts
    python -m infer.synthesise --config-path <recipe> --config-name infer text=今天天气很好

Prompts are those of stage data (infer/texts.py). Writes one JSONL per system and decoding (see infer.records), whole or
not at all. The same configuration gives the same tokens: each request has its own seed.
"""

import hydra
from omegaconf import DictConfig

from infer.given_voice import use_given
from infer.records import check_checkpoints, join_parts, token_files, use_checkpoints
from infer.shares import in_processes, workers_of
from speech.jsonl import told_plainly


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        use_given(cfg)
        use_checkpoints(cfg)
        if (count := workers_of(cfg)) > 1:
            in_processes("infer.synthesise", count)
            join_parts(token_files(cfg).values(), count)
            return
        check_checkpoints(cfg)
        from infer.speak import synthesise  # here: it loads torch and transformers, which takes 5 s

        synthesise(cfg)


if __name__ == "__main__":
    main()
