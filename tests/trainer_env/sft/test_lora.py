"""verl's real SFT trainer with LoRA on a base whose embeddings have new rows, and on what is not a number."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import Qwen2ForCausalLM
from verl.utils.distributed import initialize_global_process_group

from merge.merge import find_actor
from sft.verl_train import check_lora, export
from tests.helpers.sft_session import config, train, write_inputs
from tests.helpers.training_worker import one_process
from verl_plugins.sft_trainer import ResumableSFTTrainer

ADAPTERS = ("model.lora_rank=4", "model.lora_alpha=8", "model.target_modules=[q_proj,v_proj]", "trainer.total_epochs=1")
WHOLE = (*ADAPTERS, "model.lora.trained_weights=[embed_tokens,lm_head]", "model.lora.dropout=0.1")
TABLE = "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ports_of_module: list[int]) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lora")
    write_inputs(folder, 16)
    with one_process(ports_of_module[0]) as _, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERL_ENGINE_DEVICE", "named_parameters")
        patch.setenv("HF_DATASETS_CACHE", str(folder / "datasets"))
        initialize_global_process_group()
        yield folder


def test_adapters_alone_are_refused_where_the_base_has_new_rows(folder):
    """At 7864d8e this trained, at the loss of a model that knows nothing."""
    record = folder / "model" / "added_speech_tokens.json"
    record.write_text(json.dumps({"added": 17, "speech": 16, "first": []}))
    with pytest.raises(ValueError, match=r"16 speech tokens of \S+ are new.*trained_weights=\[embed_tokens,lm_head\]"):
        check_lora(config(folder, "refused", *ADAPTERS))
    check_lora(config(folder, "whole", *WHOLE))
    check_lora(config(folder, "full", "model.lora_rank=0"))
    record.unlink()
    check_lora(config(folder, "released", *ADAPTERS))


def test_embeddings_and_tied_head_are_trained_whole_and_merged_once(folder):
    cfg = config(folder, "published", *WHOLE, f"sft.adapter={folder / 'adapter'}")
    run = train(cfg)
    before = load_file(folder / "model" / "model.safetensors")
    export(cfg, 2)
    after = load_file(Path(cfg.sft.output) / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    layer = "model.layers.0.self_attn"
    assert changed == {TABLE, f"{layer}.q_proj.weight", f"{layer}.v_proj.weight"}
    assert "lm_head.weight" not in after  # tied, as it was
    prefix = f"base_model.model.{layer}.q_proj"
    adapter = run.weights[f"{prefix}.lora_B.default.weight"] @ run.weights[f"{prefix}.lora_A.default.weight"]
    torch.testing.assert_close(after[f"{layer}.q_proj.weight"], before[f"{layer}.q_proj.weight"] + 2.0 * adapter)
    assert torch.equal(after[TABLE], run.weights[f"base_model.model.{TABLE}"])
    record = find_actor(cfg.trainer.default_local_dir, None, "") / "lora_train_meta.json"
    assert json.loads(record.read_text())["r"] == 4
    words = torch.arange(12)[None]
    alone = PeftModel.from_pretrained(Qwen2ForCausalLM.from_pretrained(folder / "model"), folder / "adapter").eval()
    with torch.no_grad():
        merged = Qwen2ForCausalLM.from_pretrained(cfg.sft.output)(words).logits
        torch.testing.assert_close(alone(words).logits, merged, rtol=1e-4, atol=1e-5)
        assert (Qwen2ForCausalLM.from_pretrained(folder / "model")(words).logits - merged).abs().max() > 0.01


def test_a_training_goes_on_from_an_adapter_that_was_kept(folder):
    """Adapters, embeddings and tied head are those of the folder; all else is the base's."""
    kept = load_file(folder / "adapter" / "adapter_model.safetensors")
    cfg = config(folder, "goes_on", *WHOLE, f"model.lora_adapter_path={folder / 'adapter'}")
    check_lora(cfg)
    begun = ResumableSFTTrainer(cfg).engine.module.state_dict()
    begun = {name.replace(".default.", "."): tensor.full_tensor() for name, tensor in begun.items()}
    assert len(kept) == 6 and all(torch.equal(begun[name], tensor) for name, tensor in kept.items())
    before = load_file(folder / "model" / "model.safetensors")["model.layers.0.self_attn.q_proj.weight"]
    assert torch.equal(begun["base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight"], before)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["model.lora_alpha=16"], r"has lora_rank=4 lora_alpha=8, the configuration lora_rank=4 lora_alpha=16"),
        (["model.lora_rank=0"], r"are of LoRA: model\.lora_rank=32"),
        (["model.lora_adapter_path=nowhere"], r"nowhere \(lora_adapter_path\) lacks adapter_config\.json"),
    ],
)
def test_an_adapter_that_no_training_can_go_on_from_is_refused(folder, changes, told):
    """With another alpha verl would train by the adapter's and merge by the configuration's."""
    cfg = config(folder, "refused", *WHOLE, f"model.lora_adapter_path={folder / 'adapter'}", *changes)
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        check_lora(cfg)


def test_dropout_and_modules_are_those_of_the_configuration(folder):
    module = ResumableSFTTrainer(config(folder, "settings", *WHOLE)).engine.module
    rates = [one.lora_dropout["default"].p for one in module.modules() if hasattr(one, "lora_dropout")]
    trained = {name for name, p in module.named_parameters() if p.requires_grad and "lora_" not in name}
    assert rates == [0.1, 0.1] and trained == {f"base_model.model.{TABLE}"}


def test_adapters_begin_and_drop_out_by_the_seed(folder):
    """At 508d3aa no two trainings began alike."""

    def drawn(seed: int) -> list[torch.Tensor]:
        module = ResumableSFTTrainer(config(folder, "seed", *WHOLE, f"recipe.seed={seed}")).engine.module
        name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight"
        return [module.state_dict()[name].full_tensor(), torch.rand(9)]  # the second as dropout draws

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(map(torch.equal, first, again)) and not any(map(torch.equal, first, other))


def test_a_rollout_in_float32_gets_the_unrounded_sum_of_weights_and_adapter(folder):
    """At 1e922d5 verl rounded what it sends to bfloat16. All of A and B is 2 ** -6, the rank 4, alpha by it 2: a change
    of 2 * 4 * 2 ** -12 everywhere."""
    engine = ResumableSFTTrainer(config(folder, "rollout", *ADAPTERS, "model.lora.merge=true")).engine
    with torch.no_grad():
        for name, parameter in engine.module.named_parameters():
            if "lora_" in name:
                parameter.fill_(2.0**-6)
    sent = dict(engine.get_per_tensor_param()[0])  # all of it, as a sender that has not flushed yet
    before = load_file(folder / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in sent.values()} == {torch.float32} and before.keys() <= sent.keys()
    for name, tensor in before.items():
        change = 2.0**-9 if "q_proj.weight" in name or "v_proj.weight" in name else 0.0
        assert torch.equal(sent[name], tensor + change), name
    kept = engine.module.state_dict()["base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight"]
    assert torch.equal(kept.full_tensor(), before["model.layers.0.self_attn.q_proj.weight"])


def test_export_below_the_steps_asked_for_is_refused(folder):
    cfg = config(folder, "half", "trainer.total_epochs=1", "trainer.save_freq=1")
    train(cfg, cut_after=1)
    with pytest.raises(FileNotFoundError, match=r"global_step_1 is of step 1 of 2: run the stage `sft` to its end"):
        export(cfg, 2)
    assert not Path(cfg.sft.output).exists()


def test_a_loss_that_is_not_finite_stops_the_training_with_its_step(folder):
    trainer = ResumableSFTTrainer(config(folder, "loss", "trainer.total_epochs=1"))
    with torch.no_grad():
        trainer.engine.module.model.norm.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"the loss is not finite in update 1 \(nan\)"):
        trainer.fit()


def test_a_gradient_that_is_not_finite_stops_the_training_with_its_step(folder):
    trainer = ResumableSFTTrainer(config(folder, "gradient", "trainer.total_epochs=1"))
    backwards = lambda gradient: gradient * float("inf")  # noqa: E731
    trainer.engine.module.model.norm.register_forward_hook(lambda _, __, out: out.register_hook(backwards) and None)
    with pytest.raises(FloatingPointError, match=r"the gradient is not finite in update 1 \((nan|inf)\)"):
        trainer.fit()
