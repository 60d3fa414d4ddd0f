"""infer.synthesise with a small random Qwen2 that has the recipe's tokenizer: vLLM against transformers."""

import json
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from data_prep.pairs import check_rows, of_scores
from data_prep.prepare import Preparation
from data_prep.prompts import PromptMaker
from infer.backends import BACKENDS, TransformersBackend, first_seed, place
from infer.bounds import FrequencyPenalty
from infer.choose import Choice
from infer.speak import chosen, records, synthesise
from infer.texts import Sentence, prompt_ids, read_sentences
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.jsonl import BadRows
from stages.config import compose_stage

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "recipes" / "tiny_mandarin"
# One twice in a row: its samples must differ all the same, also sample 1 of the first and sample 0 of the second.
TEXTS = ["今天下雨", "你好", "你好", "我今年二十岁了", "明天"]
MAX_TOKENS = 24
CODES = 2048  # most of the vocabulary, so that a random model writes some answers of nothing else
ENDS = range(CODES - CODES // 20, CODES)  # speech tokens that end an answer, too, by generation_config alone
SEED = "recipe.seed=1"  # by which both begin


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A checkpoint and a file of texts."""
    folder = tmp_path_factory.mktemp("synthesis")
    build_tokenizer(TEXTS, CODES, folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    model.generation_config.eos_token_id = [
        tokenizer.eos_token_id,
        *tokenizer.convert_tokens_to_ids([f"<|s_{code}|>" for code in ENDS]),
    ]
    model.save_pretrained(folder / "model")
    rows = [json.dumps({"text": text, "language": "zh"}, ensure_ascii=False) for text in TEXTS]
    (folder / "texts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def overrides(work: Path, backend: str) -> list[str]:
    one = "top_p: 1.0, top_k: -1, samples: "
    decodings = f"{{a: {{temperature: 1.0, {one}2}}, b: {{temperature: 1.0, {one}2}}, c: {{temperature: 0.0, {one}1}}, "
    decodings += f"d: {{temperature: 1.0, {one}2, min_tokens: 3, repetition_aware: {{top_p: 0.8, top_k: 25}}}}, "
    ratios = "min_token_text_ratio: 2, max_token_text_ratio: 3"
    decodings += f"e: {{temperature: 0.0, {one}1, {ratios}}}, f: {{temperature: 1.0, {one}2, {ratios}, "
    decodings += "repetition_aware: {mask_repeated: true}}, "
    decodings += f"g: {{temperature: 0.0, {one}1, repetition_penalty: 1.1, frequency_penalty: 0.3}}}}"
    return [
        "~systems",
        f"+systems={{M: {work}/model}}",
        "~decodings",
        f"+decodings={decodings}",
        f"texts={work}/texts.jsonl",
        f"tokens_dir={work}/{backend}",
        f"backend={backend}",
        f"max_tokens={MAX_TOKENS}",
    ]


def configuration(work: Path, backend: str, *more: str) -> DictConfig:
    with initialize_config_dir(str(CONFIG), version_base=None):
        return compose("eval", [*overrides(work, backend), *more])


def rows_of(work: Path, backend: str, decoding: str) -> list[dict]:
    return [json.loads(line) for line in (work / backend / f"M.{decoding}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def by_vllm(work, vllm_speaks) -> Path:
    """The command line, with vLLM; not all prompts fit into one batch."""
    vllm_speaks(CONFIG, "vllm.max_model_len=64", "vllm.max_num_batched_tokens=64", *overrides(work, "vllm"), SEED)
    return work


@pytest.fixture(scope="module")
def by_transformers(work) -> Path:
    synthesise(configuration(work, "transformers", SEED))
    return work


def test_greedy_tokens_of_vllm_and_transformers_are_equal(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "c"), rows_of(by_transformers, "transformers", "c")
    assert ours == reference
    assert [row["text"] for row in ours] == TEXTS
    assert len({tuple(row["tokens"]) for row in ours}) >= 3  # the texts do make a difference


def test_greedy_tokens_are_equal_with_vllms_penalties(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "g"), rows_of(by_transformers, "transformers", "g")
    assert ours == reference != rows_of(by_vllm, "vllm", "c")


def test_a_token_loses_the_penalty_each_time_it_was_written_behind_the_prompt():
    ids = torch.tensor([[3, 3, 1, 1, 0], [2, 3, 2, 3, 2]])  # prompts of two
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    found = FrequencyPenalty(2, 0.5)(ids, scores)
    assert found.tolist() == [[0.5, 1.0, 3.0, 4.0], [0.0, 0.0, -1.0, -0.5]]
    assert FrequencyPenalty(5, 0.5)(ids, scores).equal(scores)  # nothing is written yet


def test_no_compiler_runs_before_the_first_token(by_vllm, compiled):
    assert [path for path in compiled.rglob("*") if path.is_file()] == []


def test_repetition_aware_samples_of_vllm_and_transformers_are_equal(by_vllm, by_transformers):
    ours, reference = rows_of(by_vllm, "vllm", "d"), rows_of(by_transformers, "transformers", "d")
    assert ours == reference
    assert [(row["index"], row["sample"]) for row in ours[:3]] == [(0, 0), (0, 1), (1, 0)]
    assert ours[0]["tokens"] != ours[1]["tokens"]  # each sample draws by a seed of its own


def test_an_interrupted_synthesis_goes_on_behind_what_it_said(by_transformers, tmp_path, monkeypatch):
    """At b75001f0 nothing of a file of texts was there before all of it was."""
    fewer = [f"~decodings.{name}" for name in "abefg"]
    cfg = configuration(by_transformers, "transformers", SEED, *fewer, f"tokens_dir={tmp_path}", "block=2", "+begun=x")
    asked, generate = [], TransformersBackend.generate

    def interrupted(self, prompts, *args, **more):
        if len(asked) == 4:
            asked.append("end")
            raise KeyboardInterrupt
        asked.append(len(prompts))
        return generate(self, prompts, *args, **more)

    monkeypatch.setattr(TransformersBackend, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthesise(cfg)
    with open(tmp_path / "M.d.jsonl.made_with_x.0of1", "a") as file:
        file.write('{"index": 2, "sample": 0}\n{"index": 2, "sample": 1}\n{"index": 3, "sam')  # killed while it wrote
    synthesise(cfg)
    assert asked == [2, 2, 1, 2, "end", 2, 1]  # of five texts: all by c, two by d; by d from there on
    for decoding in "cd":
        found = (tmp_path / f"M.{decoding}.jsonl").read_text()
        assert found == (by_transformers / "transformers" / f"M.{decoding}.jsonl").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["M.c.jsonl", "M.d.jsonl"]


@pytest.mark.parametrize("decoding", ["e", "f"])
def test_answers_have_as_many_tokens_as_their_texts_allow(by_vllm, by_transformers, decoding):
    ours, reference = rows_of(by_vllm, "vllm", decoding), rows_of(by_transformers, "transformers", decoding)
    assert ours == reference
    assert all(len(row["tokens"]) <= 3 * len(row["text"]) for row in ours)
    speech_alone = [row for row in ours if not row["stray"]]
    assert len({row["text"] for row in speech_alone}) > 1
    for row in speech_alone:  # a token for each character of this tokenizer: 2 to 3 speech tokens for each
        assert 2 * len(row["text"]) <= len(row["tokens"])
        assert row["finished"] or len(row["tokens"]) == 3 * len(row["text"])


def test_a_sampled_answer_depends_on_its_seed_alone(by_vllm):
    first, again = rows_of(by_vllm, "vllm", "a"), rows_of(by_vllm, "vllm", "b")
    assert first == again  # the same requests in the same process, after others
    assert [(row["index"], row["sample"]) for row in first[:4]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    same_text = [row["tokens"] for row in first if row["text"] == "你好"]
    assert len({tuple(tokens) for tokens in same_text}) == 4


def test_neighbouring_seeds_share_no_sample_of_a_text(work):
    seeds = [{(text, first_seed(seed, text, 8) + k) for text in range(240) for k in range(8)} for seed in (0, 1, 2)]
    assert len(set.union(*seeds)) == 3 * 240 * 8
    assert first_seed((1 << 32) - 1, 239, 8) == (1 << 32) - 1_000_003 + 239 * 8  # -1_000_003 + ..., modulo 2**32
    cfg = configuration(work, "transformers")
    backend = TransformersBackend(cfg.systems.M, cfg)
    prompts = prompt_ids(sentences(cfg), backend.tokenizer, PromptMaker(cfg.recipe))[:1]
    one, other = (backend.generate(prompts, cfg.decodings.d, seed)[0] for seed in (0, 1))
    assert len({tuple(ids) for ids, _ in one + other}) == 4  # the second of seed 0 was the first of seed 1


def test_answers_end_by_themselves_or_at_the_limit(by_vllm):
    rows = rows_of(by_vllm, "vllm", "a")
    assert {row["finished"] for row in rows} == {True, False}
    for row in rows:
        assert len(row["tokens"]) <= MAX_TOKENS
        assert row["finished"] or row["stray"] or len(row["tokens"]) == MAX_TOKENS
        assert all(0 <= token < ENDS.start for token in row["tokens"])


class Last:
    """Chooses the last sample, and keeps what it was given."""

    def best(self, sentences: list[Sentence], samples: list[list[list[int]]]) -> list[Choice]:
        self.judged = samples
        return [Choice(len(several) - 1, "likelihood") for several in samples]


def sentences(cfg: DictConfig) -> list[Sentence]:
    return read_sentences(cfg, PromptMaker(cfg.recipe))


def test_a_missing_checkpoint_is_named_before_anything_is_loaded(work):
    cfg = configuration(work, "vllm", "systems.M=nowhere")
    with pytest.raises(FileNotFoundError, match="no checkpoint of M in nowhere"):
        synthesise(cfg)


def test_an_unknown_backend_is_refused(work):
    with pytest.raises(ValueError, match=r"backend is one of \['transformers', 'vllm'\], got 'sglang'"):
        synthesise(configuration(work, "sglang"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": ""}', r":3: field 'text': is empty"),
        ('{"text": "你好"', r":3: is no JSON: Expecting ',' delimiter"),
        ('["你好"]', r":3: is no JSON object but list"),
        ('{"text": "你好", "voice": "mina"}', r":3: field 'voice': there is no voice 'mina'"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_field_and_blank_lines_are_passed_over(work, tmp_path, line, told):
    (tmp_path / "bad.jsonl").write_text(f'{{"text": "你好"}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl" + told):
        sentences(configuration(work, "vllm", f"texts={tmp_path}/bad.jsonl"))


def test_a_prompt_that_is_too_long_is_refused_with_its_line_before_any_model(work):
    cfg = configuration(work, "vllm", "recipe.max_prompt_tokens=13")  # 9 tokens and the text's, one a character
    with pytest.raises(
        ValueError, match=r"texts\.jsonl:4: field 'text': .* 16 tokens, more than recipe\.max_prompt_tok"
    ):
        synthesise(cfg)


def test_all_texts_with_a_part_that_is_too_long_are_named_before_any_model(work, tmp_path, monkeypatch):
    """At b75001f0 the model spoke until the first such part, without its line, and nothing was written."""
    long, short = "我今年二十岁了", "你好"  # a token for each character, and 9 around them
    rows = [json.dumps({"text": text}) for text in (long, short, f"{short}。{long}。")]
    (tmp_path / "texts.jsonl").write_text("\n".join(rows) + "\n")
    monkeypatch.setitem(BACKENDS, "vllm", None)
    own = (f"texts={tmp_path}/texts.jsonl", "recipe.max_prompt_tokens=14")
    own += ("recipe.parts={token_max_n: 5, merge_len: 0}",)
    with pytest.raises(BadRows, match=r"^2 bad rows") as error:
        synthesise(compose_stage("tiny_mandarin", "infer", (*own, f"systems.GRPO={work}/model")))
    _, first, second = str(error.value).splitlines()
    assert "texts.jsonl:1: field 'text': '我今年二十岁了' makes" in first and " of 16 tokens" in first
    assert "texts.jsonl:3: field 'text': '我今年二十岁了。' makes" in second and " of 19 tokens" in second  # 。 is 3


def test_a_language_that_the_evaluations_asr_does_not_know_is_refused_before_any_model(work):
    cfg = configuration(work, "transformers", "+ear.languages=[en, ja]")
    with pytest.raises(ValueError, match=r"^there are texts in zh, which .*WhisperEar\) does not know: it has en, ja"):
        synthesise(cfg)


def test_limit_takes_the_first_texts(work):
    assert [one.request.text for one in sentences(configuration(work, "vllm", "limit=2"))] == TEXTS[:2]


def test_one_sentence_of_the_command_line_is_prepared_as_a_row_of_stage_data():
    with initialize_config_dir(str(CONFIG), version_base=None):
        cfg = compose("infer", ["text='你好，世界！（测试）：３号？'"])
    (one,) = sentences(cfg)
    written = "你好,世界!(测试):3号?"
    assert vars(one.request) == {
        "text": written,
        "language": "zh",
        "voice": None,
        "written": written,
        "instruction": None,
        "readings": (),
    }
    assert one.messages == [{"role": "user", "content": "你好,世界!(测试):3号?"}]


def test_evaluation_speaks_what_stage_data_prepared(work, tmp_path):
    """The parquet of the held-out texts is the default; what its rows say of themselves is what is spoken."""
    data = deepcopy(compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={tmp_path}", "recipe.languages=null")))
    data.recipe.tokenizer_dir, data.prepare.use_speech_prefix = str(work / "model"), True
    data.prepare.token_rate, data.recipe.prompt_template = 1, "data_prep.prompt_template.zero_shot"
    data.prepare.extra_fields = ["set"]
    data.prepare.splits = {"test": data.prepare.splits.test}
    rows = [
        {"text": "你好，世界！", "speech_tokens": [7, 7], "language": "yue", "set": "hard"},
        {"text": "明天", "speech_tokens": [5]},
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Preparation(data).run()
    first, second = sentences(compose_stage("tiny_mandarin", "eval", (f"recipe.work_dir={tmp_path}",)))
    assert vars(first.request) == {
        "text": "你好,世界!",
        "language": "yue",
        "voice": None,
        "written": "",
        "instruction": None,
        "readings": (),
    }
    assert [message["content"] for message in first.messages] == ["你好,世界!", "<|s_7|>"]
    assert (first.prefix, second.prefix) == ((7,), ())
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    ids = tokenizer.convert_tokens_to_ids(["<|s_3|>", "<|s_4|>"])
    (record,) = records([first], [[(ids, True)]], tokenizer, [""], chosen_by=["first"])
    assert (record["tokens"], record["chosen_by"]) == ([7, 3, 4], "first")  # the whole sentence is heard
    assert (record["set"], second.labels) == ("hard", {})
    several, chooser = [[(ids[:1], True), ([*ids, tokenizer.eos_token_id], True)]], Last()
    assert chosen([first], several, tokenizer, chooser) == ([several[0][1:]], ["likelihood"])
    assert chooser.judged == [[[7, 3], [7, 3, 4]]]  # and judged


def test_a_needed_voice_is_asked_for_or_drawn_before_a_model_is_loaded(work, tmp_path):
    voices = [{"name": name, "text": "早。", "speech_tokens": [1]} for name in ("ana", "bo")]
    (tmp_path / "voices.jsonl").write_text("\n".join(map(json.dumps, voices)))
    glm = (f"recipe.voices={tmp_path}/voices.jsonl", f"systems.GRPO={work}/model", "text='你好'")
    with pytest.raises(ValueError, match=r"text=: field 'voice': is missing: glm_tts speaks only with a given voice"):
        synthesise(compose_stage("glm_tts", "infer", (*glm, "recipe.voice_choice=as_named")))
    (drawn,) = sentences(compose_stage("glm_tts", "infer", glm))
    (named,) = sentences(compose_stage("glm_tts", "infer", (*glm, "voice=bo")))
    assert drawn.request.voice in ("ana", "bo") and named.request.voice == "bo"
    assert len(drawn.messages) == 3  # the voice's words, the text, the voice's speech


def test_stage_prefer_learns_the_prompts_that_were_spoken(work, tmp_path):
    """Rows for training, in which stage data has drawn phonemes; at 508d3aa pairs were of the text as it stands."""
    voice = {"name": "ana", "text": "早。", "speech_tokens": [1]}
    (tmp_path / "voices.jsonl").write_text(json.dumps(voice))
    drawn = "recipe.phoneme_in.train={probability: 1.0, max_share: 1.0}"
    given = (f"recipe.voices={tmp_path}/voices.jsonl", f"texts={tmp_path}/train.parquet", drawn)
    cfg = compose_stage("glm_tts", "prefer", given)
    maker = PromptMaker(cfg.recipe)
    request = maker.request({"text": "今天下雨"})
    prompt = maker.messages(request, training=True)
    info = {"index": 0, "text": request.text, "language": "zh", "voice": "ana"}
    pq.write_table(pa.Table.from_pylist([{"prompt": prompt, "extra_info": info}]), tmp_path / "train.parquet")
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    answers = [(tokenizer.convert_tokens_to_ids([f"<|s_{code}|>"]), True) for code in (3, 4)]
    rows = list(records(sentences(cfg), [answers], tokenizer, [""]))
    rows = [json.dumps(row | {"score": score}) for row, score in zip(rows, (0.1, 0.9), strict=True)]
    (tmp_path / "scored.jsonl").write_text("\n".join(rows))
    (pair,) = check_rows(list(of_scores(f"{tmp_path}/scored.jsonl", 0.1)), cfg.recipe)
    assert (pair["chosen"], pair["rejected"]) == ([4], [3])
    assert pair["messages"] == prompt != maker.messages(request, training=False)


def test_the_reference_computes_in_float32_on_a_cpu_and_as_vllm_does_elsewhere(work):
    def of(*overrides: str) -> tuple:
        return place(configuration(work, "transformers", *overrides))

    own = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert of("vllm.dtype=bfloat16") == (own, torch.float32 if own.type == "cpu" else torch.bfloat16)
    assert of("transformers.device=cpu", "vllm.dtype=bfloat16") == (torch.device("cpu"), torch.float32)
    assert of("transformers.device=cuda:1", "vllm.dtype=bfloat16") == (torch.device("cuda:1"), torch.bfloat16)
    assert of("transformers.device=cpu", "transformers.dtype=float16")[1] == torch.float16
    with pytest.raises(ValueError, match=r"transformers\.dtype=tensor: no dtype of torch"):
        of("transformers.dtype=tensor")
