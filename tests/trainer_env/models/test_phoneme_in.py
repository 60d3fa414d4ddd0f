"""Phoneme-in: ambiguous sentences, dictionaries, chance in training, and what the reward sees of it."""

import asyncio
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import DictConfig, OmegaConf
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.given_readings import given_readings, moved
from data_prep.pairs import best_of_scores, check_rows, of_scores
from data_prep.prepare import Preparation
from data_prep.prompt_template import encode_prompt
from data_prep.prompts import PromptMaker
from infer.parts import Speaker
from infer.records import read_utterances
from infer.speak import records
from infer.texts import Sentence
from models.glm_tts.convert import convert
from models.glm_tts.phoneme_in import PhonemeIn, of_recipe, phonemes, read_dictionary, read_phonemes
from models.glm_tts.prompt import zero_shot
from speech.jsonl import BadField
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.glm_release import PHONEMES, write_release
from tests.helpers.prompt_ids import inference_ids

KNOWN = read_phonemes(PHONEMES)
NEVER, ALWAYS = {"probability": 0.0, "max_share": 0.5}, {"probability": 1.0, "max_share": 0.5}
TEXT = "他去银行，行不行！（测试）：３号？"
XING, HANG, BU = "<|X|><|ING2|>", "<|H|><|ANG2|>", "<|B|><|U4|>"


def speaker(words: dict[str, list[str | None] | None], tmp_path: Path, train=NEVER) -> PhonemeIn:
    lines = [json.dumps({"word": word, "pinyin": pinyin}) for word, pinyin in words.items()]
    (tmp_path / "words.jsonl").write_text("\n".join(lines))
    return PhonemeIn(read_dictionary([str(tmp_path / "words.jsonl")], KNOWN), KNOWN, train, seed=0)


@pytest.mark.parametrize(
    ("words", "text", "hybrid"),
    [
        ({"行": ["xing2"]}, "他行不行", f"他{XING}不{XING}"),
        ({"行": ["hang2"]}, "他行不行", f"他{HANG}不{HANG}"),  # as the user says
        ({"行": None}, "银行在旅行", f"银{HANG}在旅{XING}"),  # as the sentence says
        ({"行": ["xing2"], "银行": [None, "hang2"]}, "银行行不行", f"银{HANG}{XING}不{XING}"),  # the longest first
        (
            {"银行": ["yin2", "hang2"], "行长": ["hang2", "zhang3"], "行走": ["xing2", "zou3"]},
            "银行行长在行走",
            f"<|IN2|>{HANG}{HANG}<|ZH|><|ANG3|>在{XING}<|Z|><|OU3|>",
        ),
        ({"重": None}, "重庆的重量", "<|CH|><|ONG2|>庆的<|ZH|><|ONG4|>量"),
        (  # pypinyin reads 有多长 as zhang3: the user says better
            {"长": None, "多长": [None, "chang2"]},
            "长大的校长有多长",
            "<|ZH|><|ANG3|>大的校<|ZH|><|ANG3|>有多<|CH|><|ANG2|>",
        ),
        ({"乐": None}, "音乐使人快乐", "音<|VE4|>使人快<|L|><|E4|>"),
        ({"还": None, "没还": [None, "huan2"]}, "他还欠我钱没还", "他<|H|><|AI2|>欠我钱没<|H|><|UAN2|>"),
        ({"鬓毛衰": [None, None, "cui1"]}, "乡音无改鬓毛衰", "乡音无改鬓毛<|C|><|UEI1|>"),  # GLM-TTS's own example
        ({"彧": None, "弈": None}, "荀彧对弈", "荀<|V4|>对<|I4|>"),  # rare characters
        ({"儿": None}, "女儿", "女<|ER2|>"),
        ({"嗯": None}, "嗯", "嗯"),  # the model has no phoneme for it
        ({"行": ["xing2"]}, "OK，行！iPhone也行。", f"OK，{XING}！iPhone也{XING}。"),
    ],
)
def test_words_of_the_dictionary_become_phonemes(words, text, hybrid, tmp_path: Path):
    assert speaker(words, tmp_path)(text, "zh", False) == hybrid


@pytest.mark.parametrize(
    ("found", "text", "hybrid"),
    [
        ({"heteronyms": True}, "银行在旅行", f"银{HANG}在旅行"),  # 行 alone is xing2
        ({"heteronyms": True}, "重庆的重量", "<|CH|><|ONG2|>庆的重量"),
        ({"heteronyms": True}, "李翀和王彧", "李翀和王彧"),
        ({"rare": True}, "李翀和王彧", "李<|CH|><|ONG1|>和王<|V4|>"),
        ({"rare": True}, "银行在旅行OK", "银行在旅行OK"),
        (None, "银行和王彧", "银行和王彧"),
    ],
)
def test_rare_characters_and_heteronyms_are_found_by_themselves(found, text, hybrid):
    speak = PhonemeIn({}, KNOWN, NEVER, 0, found)
    assert speak(text, "zh", False) == hybrid
    assert speak(text, "zh", True) == text and speak(text, "ja", False) == text


def test_what_the_dictionary_says_counts_more_than_what_is_found(tmp_path: Path):
    words = {"银行": ["yin2", "xing2"]}
    given = speaker(words, tmp_path).words
    speak = PhonemeIn(given, KNOWN, NEVER, 0, {"heteronyms": True})
    assert speak("银行的重庆", "zh", False) == f"<|IN2|>{XING}的<|CH|><|ONG2|>庆"


def test_a_reading_that_a_row_gives_is_that_places_alone(tmp_path: Path):
    """Within a word of the dictionary, beside it, and in training, where chance draws words."""
    speak = speaker({"银行": ["yin2", "hang2"]}, tmp_path)
    assert speak("银行行不行", "zh", False, ((2, "hang2"),)) == f"<|IN2|>{HANG}{HANG}不行"
    assert speak("银行行不行", "zh", False, ((1, "xing2"), (4, "xing2"))) == f"<|IN2|>{XING}行不{XING}"
    assert speak("银行行不行", "zh", True, ((4, "xing2"),)) == f"银行行不{XING}"
    for readings, language, told in (
        (((0, "x"),), "zh", "'x' for '银' at 0 is no syllable"),
        (((0, "xing2"),), "ja", "are of Chinese, the text is in ja"),
    ):
        with pytest.raises(BadField, match=told):
            speak("银行", language, False, readings)


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        ([{"at": 9, "pinyin": "xing2"}], "or behind the 4 characters"),
        ([{"at": 1, "pinyin": "xing2"}, {"at": 1, "pinyin": "hang2"}], "name a place twice"),
        ([{"at": "1", "pinyin": "xing2"}], "at input should be a valid integer"),
        ([{"place": 1, "pinyin": "xing2"}], "at is missing"),
        ("行", "is no JSON"),
        ([{"at": 0, "pinyin": "xing2"}], "'3' at 0 is none of the text as it is read: 三行字"),
    ],
)
def test_readings_that_are_none_are_named(readings, told):
    with pytest.raises(BadField, match=told) as error:
        moved(given_readings({"text": "3行字 ", "readings": readings}, "3行字"), "3行字", "三行字")
    assert error.value.field == "readings"


@pytest.mark.parametrize(
    ("syllable", "expected"),
    [
        ("zhi1", "<|ZH|><|III1|>"),
        ("si4", "<|S|><|II4|>"),
        ("ri4", "<|R|><|III4|>"),
        ("li4", "<|L|><|I4|>"),
        ("yi1", "<|I1|>"),
        ("wu3", "<|U3|>"),
        ("you3", "<|IOU3|>"),
        ("liu2", "<|L|><|IOU2|>"),
        ("dui4", "<|D|><|UEI4|>"),
        ("lun2", "<|L|><|UEN2|>"),
        ("lv4", "<|L|><|V4|>"),
        ("xue2", "<|X|><|VE2|>"),
        ("yuan2", "<|VAN2|>"),
        ("jun1", "<|J|><|VN1|>"),
        ("yo1", "<|IO1|>"),
        ("ma5", "<|M|><|A5|>"),
        ("er5", None),
        ("yo2", None),
    ],
)
def test_a_syllable_is_an_initial_and_a_final(syllable: str, expected: str | None):
    assert phonemes(syllable, KNOWN) == expected


def test_the_recipes_own_dictionary_reads_what_pypinyin_misreads():
    """pypinyin takes 在行 for a word and reads 走 alone."""
    speak = of_recipe(compose_stage("glm_tts", "data").recipe)
    assert speak("他在行走", "zh", False) == f"他<|Z|><|AI4|>{XING}<|Z|><|OU3|>"
    assert speak("行不行", "zh", False) == f"{XING}{BU}{XING}"
    assert speak("行不行", "ja", False) == "行不行"


def test_training_replaces_some_words_of_some_texts_and_always_the_same(tmp_path: Path):
    texts = [f"我们明天去第{n}个公园看电影" for n in "一二三四五六七八九十百千万两几"] * 20
    texts = [text + "了" * (n % 20) for n, text in enumerate(texts)]
    rare = speaker({"公园": ["gong1", "yuan2"]}, tmp_path, {"probability": 0.2, "max_share": 0.5})
    changed = [rare(text, "zh", True) != text for text in texts]
    assert 0.08 < sum(changed) / len(texts) < 0.25  # a draw of no word changes nothing
    always = speaker({"公园": ["gong1", "yuan2"]}, tmp_path, ALWAYS)
    hybrids = [always(text, "zh", True) for text in texts]
    assert hybrids == [always(text, "zh", True) for text in texts]
    assert any("公园" in hybrid for hybrid in hybrids) and any("<|VAN2|>" in hybrid for hybrid in hybrids)
    assert any("<|D|><|IAN4|>" in hybrid for hybrid in hybrids)  # 电, which the dictionary does not name
    kept = [
        sum(character in hybrid for character in text) / len(text) for text, hybrid in zip(texts, hybrids, strict=True)
    ]
    assert min(kept) >= 0.3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "words.jsonl:2: is no JSON"),
        (
            '{"word": "行", "pinyin": ["xing2"], "x": 1}',
            "words.jsonl:2: field 'x': is not known here; known are word, pinyin",
        ),
        ('{"word": "", "pinyin": []}', "words.jsonl:2: field 'word'"),
        ('{"word": "ok"}', "words.jsonl:2: field 'word': is no Chinese word"),
        ('{"word": "银行", "pinyin": ["hang2"]}', "words.jsonl:2: field 'pinyin': 银行 needs a list of 2"),
        ('{"word": "行", "pinyin": ["hang"]}', "words.jsonl:2: field 'pinyin': 'hang' is no syllable"),
        ('{"word": "行", "pinyin": ["xing6"]}', "words.jsonl:2: field 'pinyin': 'xing6' is no syllable"),
        ('{"word": "儿", "pinyin": ["er5"]}', "words.jsonl:2: field 'pinyin': 'er5' is no syllable"),
    ],
)
def test_a_bad_line_of_a_dictionary_is_named(line: str, message: str, tmp_path: Path):
    (tmp_path / "words.jsonl").write_text('{"word": "重"}\n' + line + "\n")
    with pytest.raises(ValueError, match=message):
        read_dictionary([str(tmp_path / "words.jsonl")], KNOWN)


def test_a_later_dictionary_overrules_an_earlier_one(tmp_path: Path):
    for name, reading in (("a", "xing2"), ("b", "hang2")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"word": "行", "pinyin": [reading]}))
    paths = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert read_dictionary(paths, KNOWN) == {"行": (HANG,)}
    with pytest.raises(FileNotFoundError, match=r"recipe\.phoneme_in\.dictionary"):
        read_dictionary([str(tmp_path / "c.jsonl")], KNOWN)


@dataclass
class Prepared:
    """A converted small release and the first row of each split, as stage `data` writes it."""

    folder: Path
    tokenizer: PreTrainedTokenizerBase
    recipe: DictConfig
    rows: dict[str, dict]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    write_release(folder / "release", ["银行行长"], 8, hidden_size=32, intermediate_size=32, num_hidden_layers=1)
    (folder / "model").mkdir()
    convert(folder / "release", folder / "model", 8)
    (folder / "voices.jsonl").write_text('{"name": "anna", "text": "早上好", "speech_tokens": [1, 2]}\n')
    row = {"text": TEXT, "voice": "anna", "speech_tokens": [3, 4]}
    (folder / "a.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "b.jsonl").write_text(json.dumps({**row, "text": "我在银行"}) + "\n")
    config = deepcopy(compose_stage("glm_tts", "data"))
    config.recipe.work_dir, config.recipe.voices = str(folder), str(folder / "voices.jsonl")
    config.recipe.codebook_size, config.recipe.tokenizer_dir = 8, str(folder / "model")
    config.recipe.phoneme_in.train = ALWAYS
    kinds = {"test": ("rl", "a", True), "train": ("rl", "b", False), "sft": ("sft", "b", False)}
    config.prepare.splits = {
        name: {"kind": kind, "input": f"{folder}/{texts}.jsonl", "output": f"{folder}/{name}.parquet", "held_out": held}
        for name, (kind, texts, held) in kinds.items()
    }
    Preparation(config).run()
    rows = {name: pq.read_table(folder / f"{name}.parquet").to_pylist()[0] for name in kinds}
    return Prepared(folder, AutoTokenizer.from_pretrained(folder / "model"), config.recipe, rows)


def test_every_stage_reads_the_same_ids_and_the_reward_the_plain_text(prepared: Prepared):
    """Held-out RL rows are spoken as in inference, training rows by chance; the plain text stays beside them."""
    test, train, sft = (prepared.rows[name] for name in ("test", "train", "sft"))
    spoken = f"他去<|IN2|>{HANG}，{XING}{BU}{XING}.测试，三号?"
    assert [message["content"] for message in test["prompt"]] == ["早上好。 ", spoken, "<|s_1|><|s_2|>"]
    assert test["reward_model"]["ground_truth"] == test["extra_info"]["text"] == TEXT
    speak = of_recipe(prepared.recipe)
    named = (f"recipe.voices={prepared.folder}/voices.jsonl", "voice=anna")
    evaluated, spoken_once = inference_ids(
        "glm_tts", prepared.tokenizer, prepared.folder / "test.parquet", TEXT, *named
    )
    assert evaluated == spoken_once == encode_prompt(prepared.tokenizer, test["prompt"])
    assert prepared.tokenizer.convert_tokens_to_ids("<|ANG2|>") in evaluated
    drawn = zero_shot(speak("我在银行", "zh", True), Voice("anna", "早上好", (1, 2)))
    assert train["prompt"] == drawn == sft["messages"][:-1]
    assert train["reward_model"]["ground_truth"] == "我在银行"


def test_a_rows_readings_reach_the_prompt_of_every_stage_and_nothing_else(prepared: Prepared, tmp_path):
    """TEXT is 他去银行，行不行！（测试）：３号？, its number is written out before the phonemes: 号 is at 15 here."""
    row = {"text": TEXT, "voice": "anna", "readings": [{"at": 5, "pinyin": "hang2"}, {"at": 15, "pinyin": "hao2"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "text": "早", "readings": []}) + "\n")
    config = deepcopy(compose_stage("glm_tts", "data"))
    config.recipe = prepared.recipe
    made = {"kind": "rl", "input": f"{tmp_path}/a.jsonl", "output": f"{tmp_path}/a.parquet", "held_out": True}
    config.prepare.splits, config.prepare.rejects = {"test": made}, f"{tmp_path}/rejects.jsonl"
    Preparation(config).run()
    said, plain = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert said["prompt"][1]["content"] == f"他去<|IN2|>{HANG}，{HANG}{BU}{XING}.测试，三<|H|><|AO2|>?"
    assert said["reward_model"]["ground_truth"] == said["extra_info"]["text"]
    assert plain["extra_info"]["readings"] is None and "readings" not in prepared.rows["test"]["extra_info"]
    named = (f"recipe.voices={prepared.folder}/voices.jsonl", "voice=anna")
    given = "readings=[{at: 5, pinyin: hang2}, {at: 15, pinyin: hao2}]"
    evaluated, spoken_once = inference_ids("glm_tts", prepared.tokenizer, tmp_path / "a.parquet", TEXT, *named, given)
    assert evaluated == spoken_once == encode_prompt(prepared.tokenizer, said["prompt"])


def test_readings_stay_beside_what_was_spoken_and_reach_the_prompts_of_pairs(prepared: Prepared, tmp_path):
    maker = PromptMaker(prepared.recipe)
    row = {"text": "长大的校长", "language": "zh", "readings": [{"at": 4, "pinyin": "zhang3"}]}
    asked = [Sentence(maker.request(one), [], "") for one in (row, row | {"readings": []})]
    ids = [[(prepared.tokenizer.convert_tokens_to_ids([f"<|s_{code}|>"]), True) for code in (1, 2)]] * 2
    given, plain = list(records(asked, ids, prepared.tokenizer, ["", ""]))[::2]
    assert given["readings"] == row["readings"] and "readings" not in plain
    scored = [(given, 1.0, [1]), (given, 0.0, [2]), (plain, 0.5, [3]), (plain | {"readings": []}, 0.2, [4])]
    lines = [json.dumps(one | {"score": score, "tokens": tokens}) for one, score, tokens in scored]
    (tmp_path / "s.jsonl").write_text("\n".join(lines) + "\n")
    read, plain = check_rows(list(of_scores(f"{tmp_path}/s.jsonl", 0.1)), prepared.recipe)
    assert read["messages"] != plain["messages"]
    assert read["messages"] == maker.messages(asked[0].request, training=False)
    assert "长大的校<|ZH|><|ANG3|>" in json.dumps(read["messages"], ensure_ascii=False)
    assert [row["speech_tokens"] for row in best_of_scores(f"{tmp_path}/s.jsonl", None)] == [[1], [3]]
    assert read_utterances(f"{tmp_path}/s.jsonl", "zh")[0].readings == row["readings"]  # which the page exports


def test_readings_of_a_long_text_go_with_their_part(prepared: Prepared):
    maker = PromptMaker(prepared.recipe)
    parts = OmegaConf.create({"token_max_n": 4, "merge_len": 0, "prompt_tokens": 0})
    asked = maker.request(
        {"text": "……行。他行。行！", "readings": [{"at": 2, "pinyin": "hang2"}, {"at": 7, "pinyin": "hang2"}]}
    )
    found = Speaker(maker, prepared.tokenizer, None, parts).requests(Sentence(asked, [], ""))
    assert [(one.text, one.readings) for one in found] == [
        ("……行。", ((2, "hang2"),)), ("他行。", ()), ("行！", ((0, "hang2"),))]  # fmt: skip


def test_settings_out_of_range_are_refused():
    recipe = OmegaConf.merge(compose_stage("glm_tts", "data").recipe, {"phoneme_in": {"train": {"max_share": 2}}})
    with pytest.raises(ValueError, match=r"recipe\.phoneme_in\.train"):
        of_recipe(recipe)


class Recorder:
    """Stands where verl's connection to the vLLM servers is, keeps what it is given and says two tokens."""

    async def generate(self, prompt_ids: list[int], **_):
        from verl.workers.rollout.replica import TokenOutput

        self.prompt_ids = prompt_ids
        return TokenOutput(token_ids=[1, 2])


def test_vllm_receives_the_same_ids_in_training(prepared: Prepared):
    """Through verl's dataset and agent loop, with a conversation that ends in the voice's own speech."""
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
    from verl.utils.dataset.rl_dataset import RLHFDataset

    data = OmegaConf.create({"prompt_key": "prompt", "max_prompt_length": 256, "filter_overlong_prompts": False})
    row = RLHFDataset(str(prepared.folder / "test.parquet"), prepared.tokenizer, data)[0]
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"prompt_length": 256, "response_length": 8}}})
    recorder = Recorder()

    async def run() -> None:
        loop = SingleTurnAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=recorder,
            tokenizer=prepared.tokenizer,
            processor=None,
            dataset_cls=RLHFDataset,
            data_config=DictConfigWrap(data),
            hf_model_type="llama",
        )
        await loop.run({}, raw_prompt=row["raw_prompt"])

    asyncio.run(run())
    assert recorder.prompt_ids == encode_prompt(prepared.tokenizer, prepared.rows["test"]["prompt"])
