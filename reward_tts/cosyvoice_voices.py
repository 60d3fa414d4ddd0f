"""Stage `data` of the CosyVoice recipes, first half: recordings -> recipe.voices, with each recording's speech tokens.

    python -m reward_tts.cosyvoice_voices --config-path <recipe> --config-name data

The language model of a zero-shot prompt goes on from these tokens; the reward server takes mel and speaker embedding
from the recording itself.
"""

import json
import os
from pathlib import Path

import hydra
from omegaconf import DictConfig
from tqdm import tqdm

from data_prep.voices import read_voices
from data_prep.whole import whole_file
from reward_tts.cosyvoice_prompts import PromptReader
from reward_tts.cosyvoice_release import read_config


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Voices that name their speech tokens keep them."""
    release, target = Path(cfg.voices.release), Path(cfg.recipe.voices)
    if not Path(cfg.voices.input).is_file():
        raise FileNotFoundError(f"{cfg.voices.input} (voices.input in data.yaml) is missing: recordings to speak like")
    config = read_config(release)
    ratio = config["flow"]["token_mel_ratio"]
    reader = PromptReader(release, cfg.voices.speech_tokenizer, config["feat_extractor"], ratio)
    voices = read_voices(cfg.voices.input)
    with whole_file(target) as temporary, temporary.open("w", encoding="utf-8") as file:
        for voice in tqdm(voices.values(), desc="voices", unit="voice", mininterval=5):
            tokens = reader.read(voice).tokens.tolist()
            row = {"name": voice.name, "text": voice.text, "speech_tokens": tokens}
            row["wav"] = os.path.relpath(str(voice.wav), target.parent)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{len(voices)} voices of {cfg.voices.input} -> {target}")


if __name__ == "__main__":
    main()
