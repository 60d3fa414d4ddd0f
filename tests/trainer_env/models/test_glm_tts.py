"""GLM-TTS: the released layout -> what verl and vLLM read, its prompt id by id, and back."""

import base64
import json
from pathlib import Path

import pytest
import tiktoken
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from data_prep.prompt_template import encode_answer, encode_prompt
from models.glm_tts.convert import LLM, TOKENIZER, convert, export
from models.glm_tts.prompt import normalise, zero_shot
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.glm_release import write_release

TEXTS = ["你好世界", "早上好", "银行行长", "今天下雨。 你好", "hello world", " 你", " 好"] * 3
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 1}
CODES = 40


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, TEXTS, CODES, **SMALL)
    return folder


@pytest.fixture(scope="module")
def converted(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert(release, folder, CODES)
    return folder


@pytest.fixture(scope="module")
def tokenizer(converted: Path) -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(converted)


@pytest.fixture(scope="module")
def ranks(release: Path) -> dict[bytes, int]:
    lines = (release / TOKENIZER / "tokenizer.model").read_text().split("\n")[:-1]
    return {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}


@pytest.fixture(scope="module")
def published(ranks: dict[bytes, int]) -> tiktoken.Encoding:
    """What ChatGLM4Tokenizer encodes text with."""
    return tiktoken.Encoding("glm", pat_str=TikTokenConverter().pattern, mergeable_ranks=ranks, special_tokens={})


def test_text_gets_the_ids_that_tiktoken_gives_it(tokenizer: PreTrainedTokenizerFast, published: tiktoken.Encoding):
    for text in [*TEXTS, "他说，行不行？", "a  b\n\n c's 12345", " ", "🙂 naïve", "。 ", "<|not a token|>"]:
        assert tokenizer.encode(text) == published.encode_ordinary(text), text


def test_the_prompt_is_made_of_the_published_parts(
    tokenizer: PreTrainedTokenizerFast, published: tiktoken.Encoding, ranks: dict[bytes, int]
):
    """ids(prompt text + " "), ids(text), begin_of_audio, prompt speech + offset; then the answer and <|user|>. In the
    small release <|endoftext|> comes after the ranks, <|user|> is 4 and <|begin_of_audio|> 6 further, then 204 phonemes
    and the speech tokens."""
    end_of_text = len(ranks)
    speech = end_of_text + 7 + 204
    ids = encode_prompt(tokenizer, zero_shot("你好世界", Voice("a", "今天下雨", (3, 39)), [5]))
    first, second = published.encode_ordinary("今天下雨。 "), published.encode_ordinary("你好世界。")
    assert ids == [*first, *second, end_of_text + 6, speech + 3, speech + 39, speech + 5]
    assert published.encode_ordinary("今天下雨。 你好世界。") != first + second  # the space would join the text
    assert encode_answer(tokenizer, [0, 39]) == [speech, speech + 39, end_of_text + 4]
    assert encode_prompt(tokenizer, zero_shot("你好世界")) == [*second, end_of_text + 6]
    japanese = zero_shot("你好", Voice("a", "千葉県", language="ja"), language="zh")  # no traditional characters
    assert [turn["content"] for turn in japanese] == ["千葉県。 ", "你好。"]
    messages = [*zero_shot("你好世界", Voice("a", "今天下雨", (3,))), {"role": "assistant", "content": "<|s_0|>"}]
    whole = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    assert whole == [*first, *second, end_of_text + 6, speech + 3, speech, end_of_text + 4]


def test_phonemes_are_one_token_each(
    tokenizer: PreTrainedTokenizerFast, published: tiktoken.Encoding, ranks: dict[bytes, int]
):
    """Phonemes stand in the order of their names behind the 7 first special tokens: A1 to A5, AI1 to AI5, AN1, ... H is
    the 83rd name, so 82 further; ANG2 the 17th."""
    phonemes = len(ranks) + 7
    ids = encode_prompt(tokenizer, zero_shot("银<|H|><|ANG2|>"))
    expected = [*published.encode_ordinary("银"), tokenizer.convert_tokens_to_ids("<|H|>"), phonemes + 16]
    assert ids == [*expected, *published.encode_ordinary("。"), len(ranks) + 6]


def test_a_rollouts_text_holds_its_speech_tokens_and_no_end(tokenizer: PreTrainedTokenizerFast):
    assert tokenizer.decode(encode_answer(tokenizer, [7, 0]), skip_special_tokens=True) == "<|s_7|><|s_0|>"


def test_weights_and_embeddings_are_those_of_the_release(release: Path, converted: Path, ranks: dict[bytes, int]):
    model = AutoModelForCausalLM.from_pretrained(converted)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.config.eos_token_id == model.generation_config.eos_token_id == len(ranks) + 4
    theirs = load_file(release / LLM / "model.safetensors")
    ours = model.state_dict()
    assert theirs and all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())


@pytest.mark.parametrize("wrapped", ["model_state_dict", "module", None])
def test_a_checkpoint_of_their_own_training_is_taken(wrapped: str | None, release: Path, tmp_path: Path):
    """torch_ddp's and DeepSpeed's file, and what zero_to_fp32.py writes: GLMTTS has `llama` and its embedding twice."""
    learned = {name: (tensor + 1).bfloat16() for name, tensor in load_file(release / LLM / "model.safetensors").items()}
    state = {f"llama.{name}": tensor for name, tensor in learned.items()}
    state["llama_embedding.weight"] = state["llama.model.embed_tokens.weight"]
    torch.save({wrapped: state, "step": 3} if wrapped else state, tmp_path / "epoch_0_step_3.pt")
    (tmp_path / "sft").mkdir()
    convert(release, tmp_path / "sft", CODES, trained=tmp_path / "epoch_0_step_3.pt")
    found = load_file(tmp_path / "sft/model.safetensors")
    assert found.keys() == learned.keys() and all(torch.equal(found[name], learned[name]) for name in found)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "sft").dtype == torch.bfloat16


def test_an_adapter_of_their_own_training_is_refused(release: Path, tmp_path: Path):
    torch.save({"base_model.model.model.embed_tokens.weight": torch.ones(2)}, tmp_path / "epoch_0_step_3_lora.pt")
    with pytest.raises(ValueError, match=r"_lora\.pt is no GLM-TTS as .* differ.*docs/left_out\.md"):
        convert(release, tmp_path, CODES, trained=tmp_path / "epoch_0_step_3_lora.pt")


def test_export_gives_the_release_back(release: Path, converted: Path, tmp_path: Path):
    export(converted, release, tmp_path)
    before, after = release / LLM, tmp_path / LLM
    assert json.loads((after / "config.json").read_text()) == json.loads((before / "config.json").read_text())
    assert (after / "model.safetensors").read_bytes() == (before / "model.safetensors").read_bytes()


def test_export_of_another_model_is_refused(release: Path, converted: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_bytes((converted / "config.json").read_bytes())
    weights = load_file(converted / "model.safetensors")
    save_file(weights | {"model.norm.weight": torch.ones(7)}, other / "model.safetensors")
    with pytest.raises(ValueError, match=r"is no GLM-TTS .*model\.norm\.weight"):
        export(other, release, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda added: added.pop(str(max(map(int, added)))), r"<\|audio_39\|> at ids on end.*found 39"),
        (lambda added: added.pop(str(min(map(int, added)))), r"lacks \['<\|endoftext\|>'\]"),
        (
            lambda added: added.pop(next(i for i, token in added.items() if token["content"] == "<|A1|>")),
            r"<\|A2\|> has the id",
        ),
    ],
)
def test_a_tokenizer_of_another_make_is_refused(release: Path, tmp_path: Path, change, message: str):
    broken = tmp_path / "broken"
    (broken / TOKENIZER).mkdir(parents=True)
    settings = json.loads((release / TOKENIZER / "tokenizer_config.json").read_text())
    change(settings["added_tokens_decoder"])
    (broken / TOKENIZER / "tokenizer_config.json").write_text(json.dumps(settings))
    (broken / TOKENIZER / "tokenizer.model").write_bytes((release / TOKENIZER / "tokenizer.model").read_bytes())
    with pytest.raises(ValueError, match=message):
        convert(broken, tmp_path, CODES)


def test_a_release_without_a_phoneme_that_texts_may_hold_is_refused(release: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"lacks the phonemes \['IONG5'\]"):
        convert(release, tmp_path, CODES, ["A1", "IONG5"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他说:「行不行?」 OK!!", "他说，行不行?ok。"),
        ("我看了《疯狂元素城》,很妙!", "我看了疯狂元素城，很妙。"),
        ("今天三点五度,对吗", "今天三点五度，对吗。"),
        ("臺北很熱！真的？好！", "台北很热.真的?好。"),
        ("等等...走;好", "等等。走，好。"),
        ("<|X|><|ING2|>不行", "<|X|><|ING2|>不行。"),
        ("我用iPhone 拍照", "我用iphone拍照。"),
        ("噢,欸!", "哦，诶。"),
        ("Hello,  World", "hello, world."),
        ("Is it?", "is it?"),
        ("A well-known state-of-the-art system.", "a well known state of the art system."),
        ("It's twenty dollars ,isn't it!!", "it's twenty dollars, isn't it."),
        ("At noon, Dr. Smith—who?", "at noon, dr. smith who?"),
        ("It is (three)", "it is three."),
        ("Wait – what happened?", "wait what happened?"),
        ("Well… I don't know", "well i don't know."),
        ("He left - and never came back.", "he left and never came back."),
        ("Rock & roll", "rock roll."),  # recipe.text_normalisation=spoken reads it first: rock and roll
        ("Hello.World is here", "hello. world is here."),
        ("She said «oui» ¡now! § 12:30 or 1,000", "she said oui now. 12:30 or 1,000."),
        ("Really ? ! Yes", "really. yes."),
        ("über Straße, naïve", "über straße, naïve."),
        ("限速80km/h，见example.com/help", "限速80km/h，见example.com/help。"),
        ("好[breath]吧", "好吧。"),
        ("GPT-4和Wi-Fi，男/女~", "gpt 4和wi fi，男女。"),
    ],
)
def test_punctuation_is_written_as_the_published_front_end_writes_it(text: str, expected: str):
    assert normalise(text) == expected


@pytest.mark.parametrize("name", ["models", "data", "sft", "server", "grpo", "merge", "eval", "infer", "export"])
def test_every_stage_composes_and_names_what_is_there(name: str):
    """Every class and function that a YAML names can be found (those of .venv-reward by their file)."""
    from importlib.util import find_spec

    config = OmegaConf.to_container(compose_stage("glm_tts", name), resolve=False)
    assert config["recipe"]["codebook_size"] == 32768

    def targets(value):
        if isinstance(value, dict):
            yield from (one for key, one in value.items() if key == "_target_")
            yield from (found for one in value.values() for found in targets(one))

    for target in set(targets(config)):
        assert find_spec(target.rpartition(".")[0]), target


@pytest.mark.parametrize("stage", ["serve", "eval", "infer"])
def test_the_speaker_model_that_a_stage_needs_is_one_that_the_stage_models_fetches(stage: str):
    config = compose_stage("glm_tts", "models")
    fetched = {f"{entry.to}/{file}" for entry in config.models["get"].values() for file in entry.files}
    assert f"{config.recipe.token2wav_dir}/frontend/campplus.onnx" in fetched
    stages = OmegaConf.to_container(compose_stage("glm_tts", "stages").stages, resolve=True)
    needed = {"path": f"{config.recipe.token2wav_dir}/frontend/campplus.onnx", "from": "models"}
    assert needed in stages[stage]["needs"]
