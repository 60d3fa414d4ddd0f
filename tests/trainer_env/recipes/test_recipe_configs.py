"""Every recipe's YAML composes, resolves, and says nothing that verl does not listen to."""

import re
import subprocess
from pathlib import Path

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf

from reward_tts.reward.config import read
from stages.config import ROOT, compose_stage, keys, recipes
from stages.preflight import check_verl_keys
from stages.run import main, plan
from stages.table import Stage, select_stages, table
from stages.verl_keys import verl_config

STAGE_NAMES = ("install", "data", "sft", "serve", "train", "merge", "eval", "infer", "export")
GROUPS = {
    name: sorted(p.stem for p in (ROOT / "recipes/common" / name).glob("*.yaml")) for name in ("algo", "kl", "tuning")
}
# The embedded default with every algorithm; of the others, which take long to compose, what covers every key.
MIXED = [("algo=dapo", "kl=loss", "tuning=lora"), ("algo=gdpo", "kl=reward", "tuning=full")]
CHOICES = [("tiny_mandarin", (f"algo={name}", "kl=none", "tuning=full")) for name in GROUPS["algo"]]
CHOICES += [(recipe, choice) for recipe in recipes() for choice in MIXED]
RELEASED = [recipe for recipe in recipes() if recipe != "tiny_mandarin"]
# vLLM's on GPUs: the model runner that the tests know, of a CPU, and a sampler that needs no compiler.
VLLM_ON_GPUS = {"VLLM_USE_V2_MODEL_RUNNER": 0, "VLLM_USE_FLASHINFER_SAMPLER": 0}
EACH_RECIPE = pytest.mark.parametrize("recipe", recipes())


def verl_yamls(recipe: str) -> list[tuple[Stage, str]]:
    """(stage, name of its YAML) of the commands whose YAML verl reads."""
    cfg = table(recipe)
    stages = [Stage(name, recipe, spec, ()) for name, spec in cfg.stages.items()]
    return [(s, c.config) for s in stages for c in s.spec.commands if c.module in cfg.verl_configs]


@EACH_RECIPE
def test_every_stage_composes_and_every_interpolation_resolves(recipe):
    """A broken reference raises; `???` may be left only where verl's own YAML leaves it."""
    verls = OmegaConf.missing_keys(verl_config("ppo_trainer"))
    for stage, spec in table(recipe).stages.items():
        names = list(dict.fromkeys(command.config for command in spec.commands))
        assert len(names) <= 1, f"{stage}: each command gets what the command line says of the stage, whatever its YAML"
        for name in names:
            cfg = compose_stage(recipe, name)
            OmegaConf.to_container(cfg, resolve=True)
            missing = OmegaConf.missing_keys(cfg) - verls
            assert not missing, f"{recipe}/{name}.yaml: {missing}"


@pytest.mark.parametrize("recipe", RELEASED)
def test_the_stage_that_is_named_for_what_is_missing_makes_it(recipe):
    """At 1e922d5 stage data was said to make a release, and stage sft the model of one that GRPO begins with."""
    stages, cfg = table(recipe).stages, compose_stage(recipe, "models")
    fetched = [entry.to for entry in cfg.models["get"].values()]
    for name in stages:
        for need in Stage(name, recipe, stages[name], ()).needs():
            if need.made_by == "data":  # or the user
                assert not need.path.startswith((cfg.recipe.pretrained_dir, cfg.recipe.sft_dir + "/")), (name, need)
                continue
            made = [*stages[need.made_by].makes, *(fetched if need.made_by == "models" else [])]
            made = [one.removesuffix("/config.json") for one in made]
            assert any(need.path == one or need.path.startswith(f"{one}/") for one in made), (name, need)


@pytest.mark.parametrize("recipe", RELEASED)
def test_what_hears_checkpoints_needs_the_ear_before_it_merges_and_speaks(recipe):
    cfg = table(recipe)
    for name in ("baseline", "checkpoints", "eval"):
        needed = {need.key for need in Stage(name, recipe, cfg.stages[name], ()).needs()}
        assert needed & {"ear.model_dir", "ear.source"}, name


@EACH_RECIPE
def test_evaluation_is_of_what_stage_data_prepared_and_waits_for_it(recipe):
    stages = table(recipe).stages
    needs = {need.path: need.made_by for need in Stage("eval", recipe, stages.eval, ()).needs()}
    assert needs[compose_stage(recipe, "data").prepare.splits.test.output] == "data"


def test_a_recipe_whose_sft_validates_holds_out_a_row_for_each_gpu():
    wanted = compose_stage("inworld_tts", "data").vectorize.least_held_out
    assert wanted >= compose_stage("inworld_tts", "sft").trainer.n_gpus_per_node == 8


@pytest.mark.parametrize(
    ("recipe", "tokens"),  # X-codec2 has 50 a second and one that is padded, the others 25: of 30 and of 31 s
    [("llasa", (1501, 1551)), ("inworld_tts", (1501, 1551)), ("cosyvoice2", (750, 775)), ("cosyvoice3", (750, 775))],
)
def test_what_vectorize_takes_is_not_too_long_for_a_row_of_sft(recipe, tokens):
    cfg = compose_stage(recipe, "data")
    assert cfg.vectorize.filters.max_duration_s == 30 and cfg.vectorize.duration_off.seconds == 1
    assert tokens[0] < cfg.prepare.max_speech_tokens == tokens[1] < compose_stage(recipe, "sft").data.max_length


@EACH_RECIPE
def test_the_longest_prompt_is_one_number_and_leaves_room_for_an_answer(recipe):
    longest = compose_stage(recipe, "data").recipe.max_prompt_tokens
    assert compose_stage(recipe, "grpo").data.max_prompt_length == longest
    for stage in ("eval", "infer"):
        cfg = compose_stage(recipe, stage)
        assert longest + cfg.max_tokens <= cfg.vllm.max_model_len


@EACH_RECIPE
@pytest.mark.parametrize("hardware", ["cpu", "gpu"])
def test_training_composes_for_both_kinds_of_hardware_with_keys_that_verl_knows(recipe, hardware):
    found = verl_yamls(recipe)
    assert any(stage.name == "train" for stage, _ in found)
    for stage, name in found:
        group = "hardware" if stage.name == "train" else "sft_hardware"
        chosen = Stage(stage.name, recipe, stage.spec, (f"{group}={hardware}",))
        check_verl_keys(chosen, table(recipe).verl_configs)
        cfg = compose_stage(recipe, name, chosen.overrides)
        OmegaConf.to_container(cfg, resolve=True)
        assert cfg.trainer.device == {"cpu": "cpu", "gpu": "cuda"}[hardware]
        if (
            stage.name == "train" and cfg.actor_rollout_ref.rollout.dtype != "float32"
        ):  # vLLM's are none of the policy's
            assert not cfg.algorithm.rollout_correction.bypass_mode
        if (stage.name, hardware) == ("train", "gpu"):
            environment = OmegaConf.to_container(cfg.ray_kwargs.ray_init.runtime_env.env_vars)
            assert environment.items() >= {key: str(value) for key, value in VLLM_ON_GPUS.items()}.items()


@EACH_RECIPE
def test_speaking_composes_for_both_hardwares_and_only_a_cpu_reads_prompts_whole(recipe):
    """vLLM 0.28.0 warns that without chunked prefill it may crash or err; on a CPU it does so with it."""
    for stage in ("eval", "infer"):
        on_cpu, on_gpu = (compose_stage(recipe, stage, (f"synthesis_hardware={kind}",)) for kind in ("cpu", "gpu"))
        assert on_cpu.vllm.enable_chunked_prefill is False and "enable_chunked_prefill" not in on_gpu.vllm
        assert on_cpu.vllm.enforce_eager and on_cpu.vllm.dtype == "float32"
        assert on_gpu.vllm.enforce_eager == (stage == "infer")
        assert on_gpu.vllm.dtype == ("float32" if recipe == "glm_tts" else "bfloat16")
        assert (on_cpu.token2wav.get("device", "cpu"), on_gpu.reward_server.server.device) == ("cpu", "cuda:0")
        assert on_gpu.vllm_environment.items() >= VLLM_ON_GPUS.items()
    assert ("enable_chunked_prefill" in compose_stage(recipe, "eval").vllm) == (recipe == "tiny_mandarin")


@pytest.mark.parametrize("recipe", [name for name in recipes() if name != "tiny_mandarin"])  # its ear is its own
def test_the_evaluation_asr_is_on_the_reward_models_device_unless_it_cannot(recipe):
    for ear, device in (
        ("paraformer_zh", "cuda:3"),
        ("mms", "cuda:3"),
        ("sensevoice", "cuda:3"),
        ("whisper_large_v3", "cpu"),
    ):
        assert (
            compose_stage(recipe, "eval", (f"ear={ear}", "reward_server.server.devices=[cuda:3]")).ear.device == device
        )


@pytest.mark.parametrize(("recipe", "choice"), CHOICES)
def test_each_algorithm_composes_and_no_recipe_overrides_what_it_sets(recipe, choice):
    """What a group's file says must arrive, or `algo=dapo` would be DAPO in name only."""
    cfg = compose_stage(recipe, "grpo", choice)
    stage = Stage("train", recipe, table(recipe).stages.train, choice)
    check_verl_keys(stage, table(recipe).verl_configs)
    for group, _, option in (chosen.partition("=") for chosen in choice):
        wanted = OmegaConf.load(ROOT / "recipes/common" / group / f"{option}.yaml")
        for key in keys(wanted):
            parent, _, name = key.rpartition(".")
            literal, arrived = (OmegaConf.select(c, parent)._get_node(name)._value() for c in (wanted, cfg))
            assert arrived == literal, f"{recipe}/grpo.yaml sets {key}={arrived}: leave it to the group {group}"
    if cfg.recipe.reward.aggregation.name != "weighted_harmonic_mean":  # which takes no negative term, such as dapo's
        read(OmegaConf.to_container(cfg.recipe.reward, resolve=True))


@EACH_RECIPE
def test_sft_is_resumable_and_what_it_goes_on_from_is_taken_away_before_another_run(recipe):
    """verl goes on from whatever lies in trainer.default_local_dir: with a new learning rate it would train nothing."""
    spec = table(recipe).stages.sft
    (command,) = spec.commands
    cfg = compose_stage(recipe, command.config)
    if command.module == "sft.verl_train":
        assert (cfg.trainer.resume_mode, cfg.trainer.default_local_dir) == ("auto", spec.checkpoints)
        assert list(spec.makes) == [cfg.sft.output]
    else:
        assert spec.scratch == f"{cfg.recipe.work_dir}/sft_checkpoints"


def test_a_number_of_steps_arrives_at_sft_as_a_number_where_the_recipe_has_a_word():
    _, (stage,) = plan("llasa", "sft", "sft", ["trainer.save_freq=2", "trainer.test_freq=3"])
    (cfg,) = stage.configs()
    assert (cfg.trainer.save_freq, cfg.trainer.test_freq) == (2, 3)


def test_sft_of_a_release_is_run_when_asked_for_and_not_with_all_stages():
    for recipe, sft in (("cosyvoice2", []), ("cosyvoice3", []), ("glm_tts", []), ("llasa", ["sft"])):
        assert select_stages(recipe, "models", "train") == ["models", "data", *sft, "serve", "train"]
        assert select_stages(recipe, "sft", "sft") == ["sft"]


def test_what_makes_data_of_recordings_runs_when_named_and_from_one_to_another():
    for recipe in ("cosyvoice2", "cosyvoice3", "llasa", "glm_tts", "inworld_tts"):
        assert select_stages(recipe, "vectorize", "read_shards") == ["vectorize", "merge_shards", "read_shards"]
        assert select_stages(recipe, "encode_voices", "encode_voices") == ["encode_voices"]
        assert select_stages(recipe, "test_sets", "test_sets") == ["test_sets"]
        assert select_stages(recipe, "models", "data") == ["models", "data"]
    with pytest.raises(SystemExit, match="'tiny_mandarin' has no stage 'vectorize'"):
        select_stages("tiny_mandarin", "vectorize", "vectorize")


def test_a_recipe_of_a_released_model_is_five_files():
    """What else is there is read by others than Hydra: glm_tts's agent loop and phonemes."""
    five = {"recipe", "server", "grpo", "models", "stages"}
    for recipe in ("cosyvoice2", "cosyvoice3", "llasa", "glm_tts", "inworld_tts"):
        assert {file.stem for file in (ROOT / "recipes" / recipe).glob("*.yaml")} - {"agent_loop", "phonemes"} == five


def test_the_learning_rate_of_a_recipe_stands_in_its_own_grpo_yaml():
    for recipe in set(recipes()) - {"tiny_mandarin"}:  # whose rate is that of what it trains: tuning/final_norm.yaml
        rate = str(OmegaConf.load(ROOT / f"recipes/{recipe}/grpo.yaml").actor_rollout_ref.actor.optim.lr)
        assert str(compose_stage(recipe, "grpo").actor_rollout_ref.actor.optim.lr) == rate


@pytest.mark.parametrize("recipe", ["llasa", "tiny_mandarin"])
def test_one_word_chooses_the_machine_of_training_and_evaluation(recipe):
    for machine, device, dtype in (("cpu", "cpu", "float32"), ("gpu", "cuda", "bfloat16")):
        chosen = (f"machine={machine}",)
        assert compose_stage(recipe, "grpo", chosen).trainer.device == device
        assert compose_stage(recipe, "eval", chosen).vllm.dtype == dtype
        assert compose_stage(recipe, "infer", chosen).reward_server.server.device == device.replace("cuda", "cuda:0")


def lacking_in(printed: str, recipe: str) -> list[str]:
    """Commands of the recipe's stages, up to infer, that a dry run did not print."""
    cfg, lacking = table(recipe), []
    for name, spec in cfg.stages.items():
        if spec.number <= cfg.stages.infer.number and not spec.get("optional"):
            for command in spec.commands:
                line = rf"-m {re.escape(command.module)} .*--config-name {command.config}\b"
                lacking += [] if re.search(line, printed) else [f"{name}: {command.module}"]
    return lacking


def test_a_dry_run_names_the_command_of_every_stage():
    done = subprocess.run(["bash", "run.sh", "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lacking_in(done.stdout, "tiny_mandarin") == []


@EACH_RECIPE
def test_what_run_sh_starts_for_a_dry_run_names_every_command(recipe, capsys, monkeypatch):
    """In this process, which has composed the stages already."""
    monkeypatch.setattr("sys.argv", ["stages.run", "--dry-run", "--recipe", recipe, "models", "infer"])
    main()
    assert lacking_in(capsys.readouterr().out, recipe) == []


def test_an_unknown_algorithm_is_refused_with_those_that_are_there():
    with pytest.raises((SystemExit, HydraException), match="algo"):
        plan("tiny_mandarin", "train", "train", ["algo=ppo2"])


def test_the_groups_are_documented_in_their_files():
    for group, options in GROUPS.items():
        for option in options:
            lines = Path(ROOT / "recipes/common" / group / f"{option}.yaml").read_text().splitlines()
            assert lines[0] == "# @package _global_" and lines[1].startswith("# ")
