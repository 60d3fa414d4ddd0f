"""How long `compute_score` takes without its server, and `stage data` for its texts, against another checkout of this
project, both by one interpreter, in turns:

    python -m benchmarks.reward_speed OTHER_CHECKOUT [repeats]

Rows of 200 and of 2000 speech tokens (8 s and 80 s: 36 and 360 characters, a number in every second text), 16 texts
with 8 rollouts each, of which a quarter is heard rightly and the rest with one to ten percent of the characters
changed, left out or doubled; tiny_mandarin's reward, as a dictionary and as verl's DictConfig. Then rows of stage data
in each way of writing texts, a number in every fourth. Prints milliseconds and ratios.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

TEXTS, ROLLOUTS = 16, 8
CHARACTERS = "今天早上我们一起去公园散步看到很多人在湖边跑步唱歌孩子手里拿着风筝老师说明天可能会下雨请大家带好雨伞"
NUMBERS = ("2024年3月12日", "一共有386个", "气温25度", "增长12.5%", "9:30出发", "花了199元")
LENGTHS = {200: 36, 2000: 360}


def rows(tokens: int, seed: int, as_config: bool) -> list[tuple[str, str, list[int]]]:
    """(text, transcript, tokens) of each rollout."""
    draw = random.Random(f"{seed} {tokens} {as_config}")
    found = []
    for i in range(TEXTS):
        text = "".join(draw.choice(CHARACTERS) for _ in range(LENGTHS[tokens]))
        heard = text
        if i % 2:
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice(NUMBERS) + text[at:]
            heard = heard[:at] + draw.choice(("三百八十六个", "百分之十二点五", "二十五度")) + heard[at:]
        for k in range(ROLLOUTS):
            share = 0 if k < ROLLOUTS // 4 else draw.uniform(0.01, 0.1)
            changed = "".join(
                c if draw.random() > share else draw.choice(("", draw.choice(CHARACTERS), c + c)) for c in heard
            )
            found.append((text, changed, [draw.randrange(1024) for _ in range(tokens)]))
    return found


def score_seconds(tokens: int, seed: int, as_config: bool) -> float:
    """Seconds of one row, in this checkout."""
    from omegaconf import OmegaConf

    import reward_tts.compute_score as module
    from reward_tts.measures import Measures
    from stages.config import compose_stage

    class Client:
        async def ask(self, spoken, text, language, index, voice):
            return SimpleNamespace(measures=heard[index], attempts=1, mismatches=0)

        async def measure_and_count(self, spoken, text, language, index, voice):
            return heard[index], 1  # of earlier builds, with which this one is compared

    plan, heard = rows(tokens, seed, as_config), []
    for _, transcript, ids in plan:
        seconds = len(ids) / 25
        times = [seconds * (i + 0.5) / max(1, len(transcript)) for i in range(len(transcript))]
        scores = {"log_f0_std": 0.1, "voiced_ratio": 0.5, "silence_ratio": 0.1, "loudness_db": -20.0}
        heard.append(Measures("tiny_mandarin", 0, "", transcript, times, None, seconds, len(ids), 25.0, scores))
    module.client_for = lambda config: Client()
    recipe = compose_stage("tiny_mandarin", "data").recipe
    server, reward = recipe.server, recipe.reward
    if reward.get("token_ear"):  # which earlier builds have not: every row as by wave
        reward.token_ear = None
    if not as_config:
        server, reward = OmegaConf.to_container(server), OmegaConf.to_container(reward)
    completions = ["".join(f"<|s_{i}|>" for i in ids) for _, _, ids in plan]

    async def all_of_them() -> None:
        for index, (text, _, _) in enumerate(plan):
            await module.compute_score(
                "",
                completions[index],
                text,
                {"index": index, "language": "zh"},
                recipe="tiny_mandarin",
                server=server,
                reward=reward,
            )

    asyncio.run(
        module.compute_score(
            "",
            "<|s_1|>",
            plan[0][0] + "的2个",
            {"index": 0, "language": "zh"},
            recipe="tiny_mandarin",
            server=server,
            reward=reward,
        )
    )
    begin = time.process_time()
    asyncio.run(all_of_them())
    return (time.process_time() - begin) / len(plan)


def data_seconds(seed: int, how: str) -> float:
    """Seconds of one row of stage data, as far as its text goes: checked, written for the prompt."""
    from data_prep.prompts import PromptMaker
    from stages.config import compose_stage

    maker = PromptMaker(compose_stage("tiny_mandarin", "data", (f"recipe.text_normalisation={how}",)).recipe)
    draw, texts = random.Random(f"{seed} {how}"), []
    for i in range(2000):
        text = "".join(draw.choice(CHARACTERS) for _ in range(30))
        texts.append(f"{text}，{draw.choice(NUMBERS)}。" if i % 4 == 0 else f"{text}。")
    maker.request({"text": "热身1个", "language": "zh"})
    begin = time.process_time()
    for text in texts:
        maker.request({"text": text, "language": "zh"})
    return (time.process_time() - begin) / len(texts)


def measured(seed: int) -> dict[str, float]:
    """Milliseconds in this checkout."""
    found = {f"{n} tokens, {'DictConfig' if c else 'dict'}": score_seconds(n, seed, c) for n in LENGTHS for c in (0, 1)}
    found |= {f"data, {how}": data_seconds(seed, how) for how in ("none", "nfkc", "spoken")}
    return {name: 1000 * seconds for name, seconds in found.items()}


def main() -> None:
    if sys.argv[1] == "--here":
        sys.path.insert(0, str(Path.cwd()))
        print(json.dumps(measured(int(sys.argv[2]))))
        return
    checkouts, repeats = (Path(sys.argv[1]).resolve(), Path.cwd()), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    found: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
    for seed in range(repeats):
        for checkout in checkouts:
            command = [sys.executable, str(Path(__file__).resolve()), "--here", str(seed)]
            done = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
            found[checkout].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{'':28} {'other':>9} {'here':>9} {'ratio':>6}   (ms, medians of {repeats})")
    for name in found[checkouts[0]][0]:
        other, here = (median(one[name] for one in found[checkout]) for checkout in checkouts)
        print(f"{name:28} {other:9.3f} {here:9.3f} {here / other:6.2f}")


if __name__ == "__main__":
    main()
