"""Which settings, and whose code, a mark holds: see test_marks.py for what comes of it."""

import json

import pytest

from speech.files import changed_keys
from stages.config import ROOT
from stages.marks import Marks
from stages.table import Stage, table


def test_a_key_that_is_ignored_by_now_may_stand_in_a_mark_of_before(tmp_path):
    cfg = table("cosyvoice2", (f"recipe.work_dir={tmp_path}",))
    marks, sft = Marks(cfg), Stage("sft", "cosyvoice2", cfg.stages.sft, (f"recipe.work_dir={tmp_path}",))
    parts = marks.parts(sft)
    before = {"sft.torchrun": '["--standalone"]', "trainer.save_freq (sft.yaml)": '"after_each_epoch"'}
    before["recipe.max_speech_tokens"] = "750"
    marks.write(sft, "begun", parts | {"config": parts["config"] | before})
    assert not before.keys() & parts["config"].keys()
    may_change = {*sft.spec.may_change} - {*sft.spec.ignored_keys, *cfg.absent_is}
    assert may_change <= parts["config"].keys()  # no name of nothing
    assert marks.read(sft, "begun") == parts


def test_a_key_that_came_with_newer_code_does_not_make_a_training_another_one(tmp_path):
    """Nor what only evaluation and inference read: a training that was interrupted before the code was pulled."""
    own = (f"recipe.work_dir={tmp_path}",)
    cfg = table("cosyvoice3", own)
    marks, train = Marks(cfg), Stage("train", "cosyvoice3", cfg.stages.train, own)
    now = marks.parts(train)
    before = {"recipe.misread": "{}", "recipe.prompt_template": '"before"', "recipe.parts.prompt_tokens": "750"}
    before["recipe.max_speech_tokens"] = "750"  # of stage data alone
    older = now | {"config": {**now["config"], **before, "trainer.val_before_train": "true"}}
    assert not {"algorithm.token_credit.token_ear", "recipe.max_model_len"} & now["config"].keys()
    assert not any("VLLM_USE_" in key for key in now["config"])  # of hardware/gpu, which this recipe trains with
    (tmp_path / "grpo").mkdir()
    marks.write(train, "begun", older)
    assert marks.clear_way(train, now, force=False) == []
    marks.write(train, "done", now | {"config": now["config"] | {"guard.folder": '"${recipe.grpo_dir}/guard"'}})
    assert marks.is_kept(train, now)  # a finished one: `may_change` is of one that was interrupted
    marks.write(train, "done", now | {"server": now["server"] | {"recipe.max_speech_tokens": "750"}})
    assert marks.read(train) == now
    marks.write(train, "begun", older | {"config": {**older["config"], "recipe.dtype": '"bfloat16"'}})
    assert marks.clear_way(train, now, force=False)[0].startswith("checkpoints of another run moved")
    models = Stage("models", "cosyvoice3", cfg.stages.models, own)
    assert not {"convert.weights", "recipe.misread", "recipe.max_speech_tokens"} & marks.parts(models)["config"].keys()
    of_llasa = Stage("models", "llasa", table("llasa", own).stages.models, own)
    assert not any("top_k" in key for key in Marks(table("llasa", own)).parts(of_llasa)["config"])  # came, and changed
    rl = Stage("models", "cosyvoice3", cfg.stages.models, (*own, "convert.weights=llm.rl.pt"))
    assert marks.parts(rl)["config"]["convert.weights"] == '"llm.rl.pt"'


# As a mark has it: what stands for not having the key, by the entry of stages/standard.yaml.
ABSENT = {
    "recipe.misread": {"recipe.misread": "{}"},
    "convert.weights": {"convert.weights": '"llm.pt"'},
    "convert.trained": {"convert.trained": "null"},
    "recipe.phoneme_in.replaced": {"recipe.phoneme_in.replaced": "[]"},
    "recipe.decoding.do_sample": {"recipe.decoding.do_sample": "true"},
    "merge.heard_share": {"merge.heard_share": "0.9"},
    "vectorize.duration_off": {"vectorize.duration_off.seconds": "1.0", "vectorize.duration_off.share": "0.1"},
    "merge.adapter": {"merge.adapter": "null"},
    "sft.adapter": {"sft.adapter": "null"},
    "sft.choose": {"sft.choose": '"last"'},
    "recipe.token_ear_learned": {"recipe.token_ear_learned": '"${recipe.grpo_dir}/token_ear.pt"'},
    "actor_rollout_ref.rollout.custom.sampling.detokenize": {
        "actor_rollout_ref.rollout.custom.sampling.detokenize": "false"
    },
    "actor_rollout_ref.rollout.engine_kwargs.vllm": {"actor_rollout_ref.rollout.engine_kwargs.vllm": "{}"},
    "actor_rollout_ref.rollout.engine_kwargs.vllm.stream_interval": {
        "actor_rollout_ref.rollout.engine_kwargs.vllm.stream_interval": "65536"
    },
    "extend.generation.top_k": {"extend.generation.top_k": "50"},
    "guard.folder": {"guard.folder": '"${recipe.grpo_dir}/guard"'},
    "guard.memory_attempts": {"guard.memory_attempts": "5"},
    "trainer.v1.sampler.sampler_kwargs": {
        "trainer.v1.sampler.sampler_kwargs.ppo_mini_batch_size": '"${actor_rollout_ref.actor.ppo_mini_batch_size}"',
        "trainer.v1.sampler.sampler_kwargs.observers.audio.more": '"${recipe.server.more}"',
    },
    "ray_kwargs.ray_init.runtime_env.env_vars": {
        "ray_kwargs.ray_init.runtime_env.env_vars.VLLM_USE_V2_MODEL_RUNNER": '"0"',
        "ray_kwargs.ray_init.runtime_env.env_vars.VLLM_USE_FLASHINFER_SAMPLER": '"0"',
    },
    "read_shards.filters": {
        "read_shards.filters.min_duration_s": "null",
        "read_shards.filters.latin_letters": '"keep"',
    },
    "read_shards.instruction": {"read_shards.instruction": "null"},
    "prepare.held_out_too": {"prepare.held_out_too": "[]"},
    "folder.hub": {"folder.hub.folder": '"${recipe.data_dir}/hub"', "folder.hub.columns.wav": '"audio"'},
    "test_set.hub": {"test_set.hub.folder": '"${recipe.data_dir}/hub"', "test_set.hub.columns.tokens": "null"},
    "test_set.voice_language": {"test_set.voice_language": "null"},
    "voices.check": {"voices.check": "null"},
    "vectorize.check": {"vectorize.check.error": "null", "vectorize.check.share": "0.01"},
    "folder.transcribe": {"folder.transcribe": "false"},
    "folder.max_seconds": {"folder.max_seconds": "30"},
}


def test_a_value_that_stands_for_no_key_is_in_no_mark_nor_read_from_one(tmp_path):
    """At 1e5af71a a mapping counted, so that all recordings were read again after an update of the code."""
    own = (f"recipe.work_dir={tmp_path}",)
    cfg = table("cosyvoice2", own)
    marks, vectorize = Marks(cfg), Stage("vectorize", "cosyvoice2", cfg.stages.vectorize, own)
    now = marks.parts(vectorize)
    assert ABSENT.keys() == cfg.absent_is.keys()
    for values in ABSENT.values():
        assert not values.keys() & now["config"].keys()
        marks.write(vectorize, "done", now | {"config": now["config"] | values})
        assert marks.read(vectorize) == now
    other = Stage("vectorize", "cosyvoice2", cfg.stages.vectorize, (*own, "vectorize.duration_off.seconds=2.0"))
    assert marks.parts(other)["config"]["vectorize.duration_off.seconds"] == "2.0"


# The settings in the marks of that commit, as it wrote them.
RELEASED = json.loads((ROOT / "tests/data/marks_b75001f0.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("of", RELEASED)
def test_what_an_earlier_commit_finished_stays_finished(of, tmp_path):
    """A new key needs an entry in `absent_is` (stages/standard.yaml) with the value by which all is as it was. Where
    results do change, and only then, record the marks of that commit anew."""
    recipe, name = of.split()
    cfg = table(recipe, (f"recipe.work_dir={tmp_path}",))
    marks, stage = Marks(cfg), Stage(name, recipe, cfg.stages[name], ())
    now = marks.parts(stage)
    marks.write(stage, "done", now | {"config": RELEASED[of]})
    assert changed_keys(marks.read(stage)["config"], now["config"]) == []


@pytest.mark.parametrize(
    ("name", "key"), [("train", "actor_rollout_ref.model.lora_adapter_path"), ("sft", "model.lora_adapter_path")]
)
def test_an_adapter_to_go_on_from_counts_with_its_weights(name, key, tmp_path):
    """Without one the marks of before stay as they are."""
    cfg = table("llasa")
    marks, weights = Marks(cfg), tmp_path / "adapter/adapter_model.safetensors"
    begun = Stage(name, "llasa", cfg.stages[name], (f"{key}={weights.parent}",))
    none = marks.reads(begun)
    assert marks.reads(Stage(name, "llasa", cfg.stages[name], ())) == none
    weights.parent.mkdir()
    weights.write_text("1")
    before = marks.reads(begun)
    weights.write_text("2")
    assert marks.reads(begun) != before != none


# Changes that once went unnoticed, and files that a stage does not read.
@pytest.mark.parametrize(
    ("recipe", "name", "reads", "not_these"),
    [
        ("inworld_tts", "data", ["speech/readings/en.py"], []),
        ("glm_tts", "data", ["speech/texts.py"], []),
        ("llasa", "data", ["models/xcodec2/package.py", "speech/tokens.py"], []),
        ("cosyvoice2", "data", ["models/cosyvoice/release.py"], ["data_prep/test_sets.py"]),
        ("tiny_mandarin", "eval", ["models/tiny_mandarin/vocoder.py"], []),
        ("llasa", "eval", ["models/llasa/prompt.py"], []),
        ("glm_tts", "eval", ["models/glm_tts/phoneme_in.py"], []),
        ("cosyvoice2", "eval", ["speech/waves.py", "models/cosyvoice/speech_head.py"], []),
        ("glm_tts", "sft", ["merge/merge.py"], []),
        ("tiny_mandarin", "train", ["verl_plugins/plugin.py"], ["models/glm_tts/token2wav.py"]),
        ("cosyvoice2", "train", ["verl_plugins/advantage.py"], ["reward_tts/asr/mms.py"]),
        ("cosyvoice2", "sft", [], ["data_prep/test_sets.py"]),
        ("tiny_mandarin", "sft", [], ["models/glm_tts/encoder.py"]),
    ],
)
def test_the_code_that_a_stage_depends_on_is_what_it_imports(recipe, name, reads, not_these):
    cfg = table(recipe)
    stage = Stage(name, recipe, cfg.stages[name], ())
    code = Marks(cfg).parts(stage)["code"]
    assert set(reads) <= code.keys()
    assert not set(not_these) & code.keys()
