"""Phoneme-in of words: ambiguous sentences, dictionaries, readings that a row gives, chance in training."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from data_prep.given_readings import given_readings, moved
from models.glm_tts.dictionary import phonemes, read_dictionary, read_phonemes, read_replaced
from models.glm_tts.phoneme_in import PhonemeIn, of_recipe
from speech.jsonl import BadField
from stages.config import compose_stage
from tests.helpers.glm_release import PHONEMES

KNOWN = read_phonemes(PHONEMES)
NEVER, ALWAYS = {"probability": 0.0, "max_share": 0.5}, {"probability": 1.0, "max_share": 0.5}
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
        ('{"弦": "<|X|><|IAN6|>"}', r"words.jsonl:2: field '弦': holds <\|IAN6\|>, no phoneme"),
        ('{"弦": 2}', "words.jsonl:2: field '弦': is no text with phonemes: 2"),
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


def test_glm_ttss_own_files_are_read(tmp_path: Path):
    """Lines of its configs/G2P_replace_dict.jsonl and custom_replace.jsonl, and one with fewer syllables."""
    lines = ['{"弦": "<|X|><|IAN2|>"}', '{"乡音无改鬓毛衰": "乡音无改鬓毛<|C|><|UEI1|>"}', '{"花儿": "<|H|><|UA1|>"}']
    (tmp_path / "words.jsonl").write_text("\n".join(lines))
    (tmp_path / "pairs.jsonl").write_text('{"origin": "绝弦", "new": "断弦了"}\n{"origin": "噢", "new": "<|O2|>"}')
    words = read_dictionary([str(tmp_path / "words.jsonl")], KNOWN)
    assert words["乡音无改鬓毛衰"] == (*"乡音无改鬓毛", "<|C|><|UEI1|>") and words["花儿"] == ("<|H|><|UA1|>", "")
    speak = PhonemeIn(words, KNOWN, NEVER, 0, replaced=read_replaced([str(tmp_path / "pairs.jsonl")], KNOWN))
    assert speak("乡音无改鬓毛衰，花儿", "zh", False) == "乡音无改鬓毛<|C|><|UEI1|>，<|H|><|UA1|>"
    assert speak("噢，他绝弦不行", "zh", False, ((6, "xing2"),)) == f"<|O2|>，他断<|X|><|IAN2|>了不{XING}"
    assert speak("噢，绝弦", "zh", True) == "<|O2|>，断弦了" and speak("噢", "yue", False) == "噢"
    (tmp_path / "pairs.jsonl").write_text('{"origin": "", "new": ""}\n{"origin": "噢", "new": "<|Q9|>"}')
    with pytest.raises(ValueError, match=r"(?s)pairs.jsonl:1: field 'origin'.*:2: field 'new': holds <\|Q9\|>"):
        read_replaced([str(tmp_path / "pairs.jsonl")], KNOWN)


def test_a_later_dictionary_overrules_an_earlier_one(tmp_path: Path):
    for name, reading in (("a", "xing2"), ("b", "hang2")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"word": "行", "pinyin": [reading]}))
    paths = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert read_dictionary(paths, KNOWN) == {"行": (HANG,)}
    with pytest.raises(FileNotFoundError, match=r"recipe\.phoneme_in\.dictionary"):
        read_dictionary([str(tmp_path / "c.jsonl")], KNOWN)


def test_settings_out_of_range_are_refused():
    recipe = OmegaConf.merge(compose_stage("glm_tts", "data").recipe, {"phoneme_in": {"train": {"max_share": 2}}})
    with pytest.raises(ValueError, match=r"recipe\.phoneme_in\.train"):
        of_recipe(recipe)
