"""llm.pt <-> Hugging Face with the official package's own classes, small: nothing lost, and the same logits."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import linear
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_prep.prompt_template import encode_answer, encode_prompt, zero_shot
from models.cosyvoice import layout, to_huggingface, to_llm_pt, tokenizer
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.cosyvoice_decoder import CODEBOOK
from tests.helpers.cosyvoice_published import PUBLISHED, settings, write_published
from tests.helpers.cosyvoice_release import (
    TEXT_ROWS,
    official_logits,
    qwen2lm_class,
    write_llm,
    write_llm_by_shapes,
    write_text_model,
)

VOICE = Voice("a", "明天。", (7, 80))
TEXT = "今天[breath]很好"


def convert(release: Path, target: Path, family: str, **changes) -> Path:
    target.mkdir()
    to_huggingface.convert(release, target, settings(family, **changes), CODEBOOK)
    return target


@pytest.fixture(scope="module", params=["cosyvoice2", "cosyvoice3"])
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def release(family, tmp_path_factory) -> Path:
    """CosyVoice-BlankEN and llm.pt."""
    folder = tmp_path_factory.mktemp(family) / "release"
    torch.manual_seed(0)
    write_text_model(folder / "CosyVoice-BlankEN")
    write_llm(folder) if family == "cosyvoice2" else write_llm_by_shapes(folder, family)
    return folder


@pytest.fixture(scope="module")
def checkpoint(release, family, tmp_path_factory) -> Path:
    return convert(release, tmp_path_factory.mktemp(family) / "hf", family)


def exported(
    checkpoint: Path, target: Path, family: str, dtype: str = "float32", release: Path = Path("none")
) -> dict[str, torch.Tensor]:
    target.mkdir()
    to_llm_pt.export(checkpoint, target, release, layout.FAMILIES[family], CODEBOOK, dtype)
    return torch.load(target / "llm.pt", weights_only=True)


def test_there_and_back_every_bit_is_the_same(release, checkpoint, family, tmp_path):
    before, after = torch.load(release / "llm.pt"), exported(checkpoint, tmp_path / "export", family)
    assert sorted(after) == sorted(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_the_weights_that_are_named_are_converted(release, family, tmp_path):
    """CosyVoice3's release has its own RL model beside llm.pt: llm.rl.pt."""
    both = tmp_path / "both"
    both.mkdir()
    for file in release.iterdir():
        (both / file.name).symlink_to(file)
    other = torch.load(release / "llm.pt")
    other["llm_decoder.weight"] = other["llm_decoder.weight"] + 1
    with pytest.raises(FileNotFoundError, match=r"llm\.rl\.pt is missing"):
        convert(both, tmp_path / "missing", family, weights="llm.rl.pt")
    torch.save(other, both / "llm.rl.pt")
    found = load_file(convert(both, tmp_path / "hf", family, weights="llm.rl.pt") / "model.safetensors")
    assert torch.equal(found["lm_head.weight"], other["llm_decoder.weight"])
    files = list(compose_stage("cosyvoice3", "models", ("convert.weights=llm.rl.pt",)).models["get"].cosyvoice3.files)
    assert "llm.rl.pt" in files and "llm.pt" not in files
    deepspeed = {"module": other, "param_shapes": [{"llm_decoder.weight": torch.Size([1])}], "names": {"a"}, "epoch": 5}
    for kind, left in (("ddp", other | {"epoch": 5, "step": 1000}), ("deepspeed", deepspeed)):
        torch.save(left, tmp_path / f"{kind}.pt")  # as the official run.sh leaves it
        own = convert(release, tmp_path / kind, family, weights=str(tmp_path / f"{kind}.pt"))
        assert torch.equal(load_file(own / "model.safetensors")["lm_head.weight"], other["llm_decoder.weight"])


def test_an_export_holds_no_other_language_model_of_the_release(checkpoint, family, tmp_path):
    """The official package speaks by MODEL_DIR/vllm, if it is there, and not by llm.pt (load_vllm=True)."""
    release = tmp_path / "release"
    for name in ("vllm/config.json", "hf_merged/x", "CosyVoice-BlankEN/vocab.json", "llm.pt", "llm.rl.pt", "flow.pt"):
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text(name)
    (release / "flow.decoder.estimator.fp16.mygpu.plan").write_text("of the same flow")
    target = tmp_path / "export"
    exported(checkpoint, target, family)
    to_llm_pt.link_release(release, target, target)
    there = ["CosyVoice-BlankEN", "flow.decoder.estimator.fp16.mygpu.plan", "flow.pt", "llm.pt"]
    assert sorted(file.name for file in target.iterdir()) == there
    assert (target / "flow.pt").read_text() == "flow.pt" and (target / "CosyVoice-BlankEN/vocab.json").exists()
    assert not (target / "llm.pt").is_symlink()


def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(tmp_path):
    """At 4a1ecbbf recipe.export_dir=exp deleted the folders in it, and a plan of load_trt=True was somebody's file."""
    plan = "flow.decoder.estimator.fp16.mygpu.plan"
    for name in ("llm.pt", "vllm/config.json", "hf_merged/x", plan, "my.plan", "llm_texts/x", "grpo/x", "spk2info.pt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "flow.pt").symlink_to("../release/flow.pt")
    own = {file.name for file in tmp_path.iterdir() if to_llm_pt.is_own(file)}
    assert own == {"llm.pt", "vllm", "hf_merged", plan, "flow.pt"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_export_keeps_the_dtype_asked_for(checkpoint, family, tmp_path, dtype):
    before, after = (
        load_file(checkpoint / "model.safetensors"),
        exported(checkpoint, tmp_path / "export", family, dtype),
    )
    assert {value.dtype for value in after.values()} == {getattr(torch, dtype)}
    assert torch.equal(after["llm_decoder.weight"], before["lm_head.weight"].to(getattr(torch, dtype)))


def official_prompt_logits(release: Path, state: dict[str, torch.Tensor], family: str) -> torch.Tensor:
    """Of TEXT behind VOICE's, by the official tokenizer and classes."""
    words = tokenizer.AutoTokenizer.from_pretrained(release / "CosyVoice-BlankEN")
    words.add_tokens(tokenizer.TEXT_TOKENS, special_tokens=True)
    text = words.encode(VOICE.text) + words.encode(TEXT)
    return official_logits(release, state, family, text, list(VOICE.speech_tokens))


def test_the_exported_model_has_the_hugging_face_logits_in_the_official_class(release, checkpoint, family, tmp_path):
    """After training, which moves every weight."""
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.05)
    trained = tmp_path / "trained"
    model.save_pretrained(trained)
    words = AutoTokenizer.from_pretrained(checkpoint)
    ids = encode_prompt(words, zero_shot(TEXT, VOICE))
    ours = model.eval()(torch.tensor([ids])).logits[0].detach()
    theirs = official_prompt_logits(release, exported(trained, tmp_path / "export", family), family)
    torch.testing.assert_close(ours[:, TEXT_ROWS : TEXT_ROWS + theirs.shape[1]], theirs, rtol=0, atol=1e-5)
    best = ours.softmax(-1)
    assert best[:, TEXT_ROWS : TEXT_ROWS + theirs.shape[1]].sum(-1).min() == pytest.approx(1.0, abs=1e-6)
    assert theirs.std() > 0.1


def test_the_official_class_finds_all_that_it_reads_in_what_stage_models_fetches(release, family, tmp_path):
    files = compose_stage(family, "models").models["get"][family].files
    for name in files:
        if (release / name).exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).symlink_to(release / name)
    encoder, _ = qwen2lm_class()
    assert encoder(str(tmp_path / "CosyVoice-BlankEN")).model.config.hidden_size == 64


def test_what_the_published_conversion_loses_is_the_bias_and_a_share_for_text(release, checkpoint, family):
    """Head without bias, a row of zeros for each text token: another distribution, and ours is the official one."""
    model = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    ids = torch.tensor([encode_prompt(AutoTokenizer.from_pretrained(checkpoint), zero_shot(TEXT, VOICE))])
    with torch.no_grad():
        theirs = official_prompt_logits(release, torch.load(release / "llm.pt"), family).softmax(-1)
        hidden = model.model(ids).last_hidden_state[0]
        squeezed = torch.nn.functional.pad(linear(hidden, model.lm_head.weight), model.lm_head.margins).softmax(-1)
        kept = model(ids).logits[0].softmax(-1)
    speech = slice(TEXT_ROWS, TEXT_ROWS + theirs.shape[1])
    torch.testing.assert_close(kept[:, speech], theirs, rtol=0, atol=1e-6)
    assert (squeezed[:, speech] - theirs).abs().sum(-1).mean() > 0.3


def test_ids_of_the_official_prompt_are_those_worked_out_by_hand(checkpoint, family):
    """400 text rows, then 81 speech tokens: `<|s_7|>` is 407. CosyVoice2: three ends, start, task; CosyVoice3: start,
    end, task among its 200."""
    words = AutoTokenizer.from_pretrained(checkpoint)
    start, task, end = {"cosyvoice2": (484, 485, 481), "cosyvoice3": (481, 483, 482)}[family]
    ids = encode_prompt(words, zero_shot(TEXT, VOICE))
    text = words.encode(VOICE.text) + words.encode(TEXT)
    breath = words.convert_tokens_to_ids("[breath]")
    assert breath == words.convert_tokens_to_ids("<|endoftext|>") + 4  # then im_start, im_end, endofprompt
    assert text.count(breath) == 1 and len(text) == len(VOICE.text + TEXT) - len("[breath]") + 1
    assert ids == [start, *text, task, 407, 480]
    assert encode_answer(words, [0, 1]) == [400, 401, end]
    assert words.decode([400, end], skip_special_tokens=True) == "<|s_0|>"
    assert AutoModelForCausalLM.from_pretrained(checkpoint).generation_config.eos_token_id[:2] == [481, 482]


def test_the_instruction_of_cosyvoice3_stands_before_the_text(release, family, tmp_path):
    instruction = "You are a helpful assistant.<|endofprompt|>"
    words = AutoTokenizer.from_pretrained(convert(release, tmp_path / "hf", family, instruction=instruction))
    assert words.decode(encode_prompt(words, zero_shot("今天"))) == f"<|sos|>{instruction}今天<|task_id|>"


def test_a_checkpoint_of_another_family_is_refused(release, checkpoint, family, tmp_path):
    other = {"cosyvoice2": "cosyvoice3", "cosyvoice3": "cosyvoice2"}[family]
    with pytest.raises(ValueError, match="no language model of this family: expected"):
        convert(release, tmp_path / "hf", other)
    with pytest.raises(ValueError, match="the family's has"):
        exported(checkpoint, tmp_path / "export", other)


def test_a_plain_qwen2_is_exported_to_what_the_official_class_speaks_by(release, family, tmp_path):
    """As huggingface_to_pretrained.py does: speech rows of table and head, bias 0, the text rows of the release."""
    model = write_published(tmp_path / "model", CODEBOOK, PUBLISHED[family]).eval()
    state = exported(tmp_path / "model", tmp_path / "export", family, release=release)
    assert sorted(state) == sorted(torch.load(release / "llm.pt"))
    assert state["llm.model.model.embed_tokens.weight"].shape[0] == TEXT_ROWS
    assert family == "cosyvoice3" or not state["llm_decoder.bias"].any()
    words = AutoTokenizer.from_pretrained(tmp_path / "model")
    first, start, task = words.convert_tokens_to_ids(["<|s_0|>", "<|sos|>", "<|task_id|>"])
    prompt = [start, *words.encode(VOICE.text), *words.encode(TEXT), task, first + 7, first + 80]
    with torch.no_grad():
        ours = model(torch.tensor([prompt])).logits[0]
    theirs = official_prompt_logits(release, state, family)
    torch.testing.assert_close(ours[:, first : first + theirs.shape[1]], theirs, rtol=0, atol=1e-5)


def test_a_plain_qwen2_with_another_familys_order_is_refused(release, family, tmp_path):
    other = {"cosyvoice2": "cosyvoice3", "cosyvoice3": "cosyvoice2"}[family]
    write_published(tmp_path / "model", CODEBOOK, PUBLISHED[other])
    with pytest.raises(ValueError, match="in the family's order: it cannot be turned back"):
        exported(tmp_path / "model", tmp_path / "export", family, release=release)
