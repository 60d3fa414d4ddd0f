"""A Qwen2 with CosyVoice's head: transformers and vLLM compute the same, and write nothing but speech."""

import json
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from transformers import AutoModelForCausalLM
from verl.utils.torch_functional import entropy_from_logits

from infer.speak import synthesise
from models.cosyvoice import to_huggingface
from models.cosyvoice.speech_head import NEVER, SpeechHeadQwen2Config, SpeechHeadQwen2ForCausalLM
from tests.helpers.cosyvoice_release import CODEBOOK, TEXT_ROWS, write_llm_by_shapes, write_text_model
from tests.helpers.fresh_process import found_by

ROOT = Path(__file__).resolve().parents[3]
RECIPE = ROOT / "recipes" / "cosyvoice2"
TEXTS = ["今天天气", "明天", "希望你比现在更", "我们去吃饭"]


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A converted checkpoint of CosyVoice2 with a bias that matters, and texts."""
    folder = tmp_path_factory.mktemp("speech_head")
    torch.manual_seed(0)
    write_text_model(folder / "release" / "CosyVoice-BlankEN")
    write_llm_by_shapes(folder / "release", "cosyvoice2")
    with initialize_config_dir(str(RECIPE), version_base=None):
        older = "~convert.weights"  # as a copy of the recipe may be
        convert = compose("models", ["hydra.searchpath=[pkg://recipes.common]", older]).convert
    (folder / "model").mkdir()
    to_huggingface.convert(folder / "release", folder / "model", convert, CODEBOOK)
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in TEXTS]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def arguments(work: Path, backend: str) -> list[str]:
    one = "top_p: 1.0, top_k: -1, samples: "
    decodings = f"{{greedy: {{temperature: 0.0, {one}1}}, sampled: {{temperature: 1.0, {one}8}}}}"
    more = ["max_tokens=24", "vllm.max_model_len=64", "vllm.max_num_batched_tokens=64", "synthesis_hardware=cpu"]
    where = [f"texts={work}/texts.jsonl", f"tokens_dir={work}/{backend}", f"backend={backend}", "recipe.voices=null"]
    return ["~systems", f"+systems={{M: {work}/model}}", "~decodings", f"+decodings={decodings}", *where, *more]


def rows_of(work: Path, backend: str, decoding: str) -> list[dict]:
    return [json.loads(line) for line in (work / backend / f"M.{decoding}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def spoken(work, vllm_speaks) -> Path:
    """By vLLM in a process of its own and by transformers here."""
    vllm_speaks(RECIPE, *arguments(work, "vllm"))
    with initialize_config_dir(str(RECIPE), version_base=None):
        synthesise(compose("eval", [*arguments(work, "transformers"), "hydra.searchpath=[pkg://recipes.common]"]))
    return work


def test_greedy_tokens_of_vllm_and_transformers_are_equal(spoken):
    ours, reference = rows_of(spoken, "vllm", "greedy"), rows_of(spoken, "transformers", "greedy")
    assert ours == reference
    assert len({tuple(row["tokens"]) for row in ours}) > 1  # what is said depends on the text


@pytest.mark.parametrize("backend", ["vllm", "transformers"])
def test_what_is_sampled_is_speech_alone_and_ends_at_any_of_the_ends(spoken, backend):
    rows = rows_of(spoken, backend, "sampled")
    assert {row["stray"] for row in rows} == {""}
    assert {(row["finished"], len(row["tokens"]) == 24) for row in rows} >= {(True, False), (False, True)}
    assert all(row["finished"] or len(row["tokens"]) == 24 for row in rows)


def test_the_bias_is_part_of_every_logit(work):
    model = AutoModelForCausalLM.from_pretrained(work / "model").eval()
    assert isinstance(model, SpeechHeadQwen2ForCausalLM)
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        before = model(ids).logits
        model.lm_head.bias[5] += 2.0
        after = model(ids).logits
    changed = (after - before)[0]
    torch.testing.assert_close(changed[:, TEXT_ROWS + 5], torch.full((3,), 2.0))
    changed[:, TEXT_ROWS + 5] = 0
    assert changed.abs().max() == 0


def test_outside_of_the_head_there_is_no_probability_no_gradient_and_no_nan(work):
    model = AutoModelForCausalLM.from_pretrained(work / "model").train()
    logits = model(torch.tensor([[1, 2, 3]])).logits
    head = slice(TEXT_ROWS, TEXT_ROWS + CODEBOOK + 3)
    outside = torch.ones(logits.shape[-1], dtype=torch.bool)
    outside[head] = False
    assert (logits[..., outside] == NEVER).all()
    assert logits.softmax(-1)[..., outside].sum() == 0
    entropy = entropy_from_logits(logits)
    torch.testing.assert_close(entropy, entropy_from_logits(logits[..., head]))
    entropy.sum().backward()
    assert model.lm_head.bias.grad.isfinite().all() and model.lm_head.bias.grad.abs().sum() > 0


def test_a_head_that_does_not_fit_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="head_start=90, head_size=20"):
        SpeechHeadQwen2ForCausalLM(
            SpeechHeadQwen2Config(vocab_size=100, hidden_size=32, num_hidden_layers=1, head_start=90, head_size=20)
        )


def test_a_library_that_does_not_know_the_class_says_so(work):
    """Rather than load a Qwen2 without bias, with a new head."""
    code = f"from transformers import AutoConfig; AutoConfig.from_pretrained({str(work / 'model')!r})"
    with pytest.raises(ValueError, match="qwen2_speech_head"):
        found_by(code)
    config = json.loads((work / "model/config.json").read_text())
    assert config["architectures"] == ["SpeechHeadQwen2ForCausalLM"]
