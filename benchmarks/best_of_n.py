"""What best of 8 costs: seconds of one sentence, model loaded, against one greedy sentence.

    .venv/bin/python -m benchmarks.best_of_n [--recipe tiny_mandarin] [--texts 24] [--turns 3] [KEY=VALUE ...]

Each text alone, as stage infer and the page ask, both decodings in turns: prompts to tokens, with the choice, without
the wave, which both make once. The first turn warms up and is not counted.
"""

import argparse
import os
import statistics
import time

from stages.config import compose_stage


def main() -> None:
    """Prints the median seconds of both, their ratio text by text (median and quartiles), and the tokens of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="tiny_mandarin")
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--turns", type=int, default=3)
    args, overrides = parser.parse_known_args()
    cfg = compose_stage(args.recipe, "eval", tuple(overrides))
    os.environ.update({name: str(value) for name, value in cfg.vllm_environment.items()})  # before torch is imported
    from transformers import AutoTokenizer

    from data_prep.prompts import PromptMaker
    from infer.backends import BACKENDS
    from infer.choose import Chooser
    from infer.speak import chosen
    from infer.texts import prompt_ids, read_sentences
    from speech.loading import pretrained

    checkpoint = cfg.recipe.merged_dir
    tokenizer, maker, chooser = pretrained(AutoTokenizer, checkpoint), PromptMaker(cfg.recipe), Chooser(cfg)
    sentences = read_sentences(cfg, maker)[: args.texts]
    prompts = prompt_ids(sentences, tokenizer, maker)
    backend = BACKENDS["vllm"](checkpoint, cfg)
    decodings = {"greedy": cfg.recipe.decodings.greedy, "best of 8": cfg.recipe.decodings.best_of_8}
    seconds = {name: [[] for _ in sentences] for name in decodings}
    written = {name: [] for name in decodings}
    for turn in range(args.turns + 1):
        for at, (sentence, prompt) in enumerate(zip(sentences, prompts, strict=True)):
            for name, decoding in decodings.items():
                begin = time.monotonic()
                answers = backend.generate([prompt], decoding)
                if decoding.get("choose"):
                    chosen([sentence], answers, tokenizer, chooser)
                if turn:
                    seconds[name][at].append(time.monotonic() - begin)
                    written[name].append(max(len(ids) for ids, _ in answers[0]))
    backend.close()
    typical = {name: [statistics.median(times) for times in rows] for name, rows in seconds.items()}
    ratios = [best / greedy for greedy, best in zip(*typical.values(), strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    for name, times in typical.items():
        print(f"{name}: {statistics.median(times):.3f} s, longest answer {statistics.mean(written[name]):.1f} tokens")
    print(f"ratio: {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
