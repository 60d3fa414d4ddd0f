"""Tokens of an evaluation that are there already: as this configuration would make them, or they are made again."""

import json
import subprocess
from pathlib import Path

import pytest
from omegaconf import DictConfig

from infer.kept import begin, identities_now, record, spoken_already
from infer.records import settle_systems, token_files
from stages.config import ROOT, compose_stage
from tests.helpers.forked import command
from tests.helpers.small_speaker import CONFIG, overrides

FEWER = ["~decodings.a", "~decodings.b", "~decodings.d", "~decodings.e", "~decodings.f", "~decodings.g"]


def configuration(work: Path, tokens: Path, *more: str) -> DictConfig:
    given = [o for o in overrides(work, "transformers") if not o.startswith("tokens_dir")]
    return compose_stage("tiny_mandarin", "eval", (*given, *FEWER, f"tokens_dir={tokens}", *more))


def kept(cfg: DictConfig) -> list[str]:
    return spoken_already(cfg, identities_now(cfg))


@pytest.fixture
def made(work, tmp_path) -> Path:
    """A folder of tokens with its record."""
    cfg = configuration(work, tmp_path)
    for path in token_files(cfg).values():
        Path(path).write_text('{"text": "你好", "tokens": [1]}\n')
    record(cfg, identities_now(cfg))
    return tmp_path


def test_what_was_made_so_is_kept_whoever_listens_and_beside_whichever_systems(work, made):
    assert kept(configuration(work, made)) == ["M"]
    others = ["out_dir=elsewhere", "bootstrap.resamples=10", "teacher=null", "recipe.server.http_port=9999"]
    assert kept(configuration(work, made, *others)) == ["M"]
    assert kept(configuration(work, made, "+systems.N=nowhere")) == ["M"]
    assert kept(configuration(work, made, "keep_tokens=false")) == []


@pytest.mark.parametrize(
    "change", ["recipe.seed=1", "max_tokens=23", "decodings.c.top_p=0.9", "limit=2", "+decodings.h={samples: 1}"]
)
def test_other_settings_are_other_tokens(work, made, change):
    assert kept(configuration(work, made, change)) == []


def test_other_texts_another_checkpoint_and_a_file_that_is_gone(work, made, tmp_path):
    texts = tmp_path / "other.jsonl"
    texts.write_bytes((work / "texts.jsonl").read_bytes())
    cfg = configuration(work, made, f"texts={texts}")
    record(cfg, identities_now(cfg))
    assert kept(cfg) == ["M"]
    texts.write_text(json.dumps({"text": "再见", "language": "zh"}) + "\n")
    assert kept(cfg) == []
    record(cfg, identities_now(cfg))
    config = work / "model" / "config.json"
    before = config.read_text()
    config.write_text(before + " ")
    assert kept(cfg) == []
    config.write_text(before)
    assert kept(cfg) == ["M"]
    (made / "M.c.jsonl").unlink()
    assert kept(cfg) == []


def test_rollouts_of_stage_prefer_are_spoken_once_whatever_is_made_of_them(work, tmp_path):
    """At 508d3aa an interrupted stage spoke and scored all of them again."""
    given = (f"tokens_dir={tmp_path}", f"texts={work}/texts.jsonl", f"recipe.sft_dir={work}/model")
    cfg = compose_stage("tiny_mandarin", "prefer", given)
    (path,) = token_files(cfg).values()
    Path(path).write_text('{"text": "你好", "tokens": [1]}\n')
    record(cfg, identities_now(cfg))
    later = ["prefer.training.learning_rate=0.1", "pairs.least_margin=0.2", "server.torch_threads=2"]
    assert kept(compose_stage("tiny_mandarin", "prefer", (*given, *later))) == ["SFT"]
    assert kept(compose_stage("tiny_mandarin", "prefer", (*given, "decodings.rollouts.samples=4"))) == []


def test_another_lexicon_of_words_to_be_spoken_as_phonemes(work, made, tmp_path):
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("一")
    cfg = configuration(work, made, f"recipe.phoneme_in={{words: {lexicon}}}")
    record(cfg, identities_now(cfg))
    assert kept(cfg) == ["M"]
    lexicon.write_text("二")
    assert kept(cfg) == []


def test_what_is_edited_while_tokens_are_made_is_not_what_they_were_made_with(work, made, tmp_path):
    texts = tmp_path / "other.jsonl"
    texts.write_bytes((work / "texts.jsonl").read_bytes())
    cfg = configuration(work, made, f"texts={texts}")
    before = identities_now(cfg)
    texts.write_text(json.dumps({"text": "再见", "language": "zh"}) + "\n")
    record(cfg, before)
    assert kept(cfg) == []


def test_a_synthesis_that_has_begun_keeps_nothing(work, made):
    cfg = configuration(work, made)
    begin(cfg, identities_now(cfg))
    assert kept(configuration(work, made)) == []
    seeds = [configuration(work, made, f"recipe.seed={seed}", *more) for seed, more in ((0, ["block=2"]), (1, []))]
    for other in seeds:
        begin(other, identities_now(other))
    assert cfg.begun == seeds[0].begun != seeds[1].begun  # and would go on with what the first left
    begin(other, {})
    assert other.begun is None


def test_a_file_of_texts_is_kept_by_stage_infer_and_one_text_is_not(work, tmp_path):
    own = (f"systems.GRPO={work}/model", f"tokens_dir={tmp_path}")
    one, file, there = (
        identities_now(compose_stage("tiny_mandarin", "infer", (*own, *more)))
        for more in ((), (f"texts={work}/texts.jsonl",), (f"texts={work}/texts.jsonl", "waves_dir=x", "block=9"))
    )
    assert one == {} and [*file] == ["GRPO"] and file == there


def test_the_command_speaks_once(work, tmp_path):
    given = [o for o in overrides(work, "transformers") if not o.startswith("tokens_dir")]
    argv = ["--config-path", str(CONFIG), "--config-name", "eval", *given, *FEWER, f"tokens_dir={tmp_path}"]
    status, out = command("infer.synthesise", argv, tmp_path / "said.txt")
    assert status == 0 and "M, c: 5 texts x 1" in out, out
    again = [".venv/bin/python", "-m", "infer.synthesise", *argv]
    second = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, check=True)
    assert second.stdout.strip() == f"M: spoken already ({tmp_path})"


def test_only_some_of_the_systems():
    cfg = DictConfig({"systems": {"SFT": "a", "GRPO": "b"}, "only": ["SFT"]})
    settle_systems(cfg)
    assert cfg.systems == {"SFT": "a"}
    with pytest.raises(ValueError, match=r"only=\['GPRO'\]: \['GPRO'\] is not among the systems"):
        settle_systems(DictConfig({"systems": {"SFT": "a", "GRPO": "b"}, "only": ["GPRO"]}))
    assert compose_stage("tiny_mandarin", "baseline").only == ["SFT"]
