"""Which parameters are trained. That the rest stays as it was is shown in tests/trainer_env/test_end_to_end.py."""

import pytest
from torch.nn import LayerNorm, Linear, Sequential
from verl.workers.engine.base import EngineRegistry

from models.trainable import freeze_all_but
from tests.helpers.saved_steps import save_steps
from verl_plugins.trainable import NamedParametersEngine, saved_before


def model() -> Sequential:
    return Sequential(Linear(2, 2), LayerNorm(2))  # parameters 0.weight, 0.bias, 1.weight, 1.bias


def test_only_whole_names_that_match_are_trained():
    module = model()
    assert freeze_all_but(module, [r"1\.weight", "0.*"]) == ["0.weight", "0.bias", "1.weight"]
    assert [p.requires_grad for p in module.parameters()] == [True, True, True, False]
    assert freeze_all_but(module, ["1.weigh", "1.bias"][1:]) == ["1.bias"]


def test_a_pattern_that_matches_nothing_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"'weight' matches no parameter.*0\.weight"):
        freeze_all_but(model(), ["weight"])


def test_the_engine_is_chosen_by_verls_own_variable(monkeypatch):
    monkeypatch.setenv("VERL_ENGINE_DEVICE", "named_parameters")
    for backend in ("fsdp", "fsdp2"):
        assert EngineRegistry.get_engine_cls("language_model", backend) is NamedParametersEngine
    monkeypatch.setenv("VERL_ENGINE_DEVICE", "cuda")
    assert EngineRegistry.get_engine_cls("language_model", "fsdp2") is NamedParametersEngine.__base__


def test_what_a_resumed_run_counts_among_its_checkpoints(tmp_path, monkeypatch):
    """Whole ones up to where it was resumed, by number, as verl names what it saves; verl resumes by absolute paths."""
    save_steps(tmp_path / "grpo", 2, 10, 4, 12)
    (tmp_path / "grpo/global_step_6/actor").mkdir(parents=True)  # interrupted, or rotated out
    save_steps(tmp_path / "other", 1)
    monkeypatch.chdir(tmp_path)
    resumed = f"{tmp_path}/grpo/global_step_10/actor"
    assert saved_before("grpo/global_step_11/actor", resumed) == [f"grpo/global_step_{n}/actor" for n in (2, 4, 10)]
    assert saved_before("grpo/global_step_4/actor", resumed) == [f"grpo/global_step_{n}/actor" for n in (2, 10)]
    assert saved_before("other/global_step_11/actor", resumed) == []  # begun from another run's checkpoint
