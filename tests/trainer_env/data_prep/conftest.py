"""Stage data of the default with a small tokenizer and one good row in each input."""

from copy import deepcopy
from pathlib import Path

import pytest
from omegaconf import DictConfig, open_dict

from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from tests.helpers.data_rows import GOOD_SFT, write


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer of four Chinese characters, 10 speech tokens, and bytes."""
    folder = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(["测试训练"], 10, folder)
    return str(folder)


@pytest.fixture
def config(tmp_path: Path, tokenizer_dir: str) -> DictConfig:
    """data.yaml with its files in tmp_path, 4 speech tokens, and one good row in each input."""
    config = deepcopy(compose_stage("tiny_mandarin", "data"))
    config.recipe.work_dir, config.recipe.codebook_size = str(tmp_path), 4
    config.recipe.tokenizer_dir, config.recipe.languages = tokenizer_dir, None
    with open_dict(config):
        del config.prepare.splits["sft_val"]  # which is made as sft is
    write(config, "test", '{"text": "测试"}')
    write(config, "train", '{"text": "训练"}')
    write(config, "sft", GOOD_SFT)
    return config
