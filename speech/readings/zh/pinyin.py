"""Mandarin: spoken words -> one unit for each character, with every sound that an ear may take it for.

A unit holds the character itself (what is written with the same character is the same), its pinyin with the tone as a
number (5: neutral), and what sandhi makes of it: a third tone before a third one is a second one, too; 一 and 不 have
the tone that comes before the next syllable beside their own. The reading of a character is the one of the dictionary;
only those that are read in two ways in everyday words (行, 长, 还) are looked up in pypinyin's phrases.
"""

from functools import lru_cache

import zhconv
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

Unit = tuple[str, ...]

# Read in two ways in everyday words: their phrase decides, or else all of these readings are taken.
_IN_TWO_WAYS = (
    "行 xing2 hang2; 长 chang2 zhang3; 还 hai2 huan2; 重 zhong4 chong2; 得 de2 de5 dei3; 地 di4 de5; "
    "乐 le4 yue4; 觉 jue2 jiao4; 教 jiao4 jiao1; 为 wei4 wei2; 都 dou1 du1; 好 hao3 hao4; "
    "种 zhong3 zhong4; 数 shu4 shu3; 背 bei4 bei1; 倒 dao4 dao3; 当 dang1 dang4; 相 xiang1 xiang4; "
    "空 kong1 kong4; 间 jian1 jian4; 少 shao3 shao4; 量 liang4 liang2; 应 ying1 ying4; "
    "便 bian4 pian2; 发 fa1 fa4; 干 gan4 gan1; 更 geng4 geng1; 将 jiang1 jiang4; 卷 juan3 juan4; "
    "切 qie4 qie1; 转 zhuan3 zhuan4; 钉 ding1 ding4; 论 lun4 lun2; 冲 chong1 chong4; 朝 chao2 zhao1; "
    "传 chuan2 zhuan4; 处 chu4 chu3; 称 cheng1 chen4; 盛 sheng4 cheng2; 曾 ceng2 zeng1; "
    "调 diao4 tiao2; 分 fen1 fen4; 弹 dan4 tan2; 给 gei3 ji3; 假 jia3 jia4; 降 jiang4 xiang2; "
    "角 jiao3 jue2; 结 jie2 jie1; 禁 jin4 jin1; 卡 ka3 qia3; 落 luo4 la4 lao4; 没 mei2 mo4; "
    "宁 ning2 ning4; 炮 pao4 bao1; 曲 qu1 qu3; 舍 she3 she4; 似 si4 shi4; 宿 su4 xiu3; "
    "挑 tiao1 tiao3; 吐 tu3 tu4; 系 xi4 ji4; 吓 xia4 he4; 咽 yan4 yan1; 压 ya1 ya4; 脏 zang1 zang4; "
    "扎 za1 zha1; 中 zhong1 zhong4; 着 zhe5 zhao2 zhuo2; 钻 zuan1 zuan4; 作 zuo4 zuo1; 看 kan4 kan1; "
    "大 da4 dai4; 会 hui4 kuai4; 见 jian4 xian4; 率 lv4 shuai4; 模 mo2 mu2; 难 nan2 nan4; "
    "强 qiang2 qiang3 jiang4; 散 san4 san3; 色 se4 shai3; 扇 shan4 shan1; 石 shi2 dan4; "
    "说 shuo1 shui4; 提 ti2 di1; 通 tong1 tong4; 兴 xing1 xing4; 要 yao4 yao1; 饮 yin3 yin4; "
    "与 yu3 yu4; 载 zai4 zai3; 正 zheng4 zheng1; 只 zhi3 zhi1; 了 le5 liao3; 的 de5 di4 di2; "
    "和 he2 huo4; 场 chang3 chang2; 藏 cang2 zang4; 差 cha4 cha1 chai1; 单 dan1 shan4; 担 dan1 dan4; "
    "待 dai4 dai1; 薄 bao2 bo2; 剥 bo1 bao1; 答 da2 da1; 缝 feng2 feng4; 冠 guan4 guan1; "
    "供 gong1 gong4; 号 hao4 hao2; 喝 he1 he4; 哄 hong3 hong4; 华 hua2 hua4; 几 ji3 ji1; "
    "夹 jia1 jia2; 监 jian1 jian4; 劲 jin4 jing4; 尽 jin4 jin3; 圈 quan1 juan4; 磨 mo2 mo4; "
    "泡 pao4 pao1; 屏 ping2 bing3; 铺 pu1 pu4; 塞 sai1 se4; 丧 sang4 sang1; 吁 yu4 xu1; 晕 yun1 yun4; "
    "仔 zi3 zai3; 择 ze2 zhai2; 粘 zhan1 nian2; 涨 zhang3 zhang4; 折 zhe2 she2; 血 xue4 xie3; "
    "熟 shu2 shou2; 谁 shei2 shui2; 露 lu4 lou4; 削 xue1 xiao1; 勒 le4 lei1; 这 zhe4 zhei4; "
    "那 na4 nei4; 哪 na3 nei3; 呢 ne5 ni2; 吗 ma5 ma3; 过 guo4 guo5; 上 shang4 shang3; 个 ge4 ge5; "
    "子 zi3 zi5; 头 tou2 tou5; 里 li3 li5; 帖 tie3 tie1; 创 chuang4 chuang1; 参 can1 shen1 cen1; "
    "车 che1 ju1; 匙 chi2 shi5; 畜 chu4 xu4; 打 da3 da2; 逮 dai4 dai3; 炸 zha4 zha2; 占 zhan4 zhan1; "
    "奔 ben1 ben4; 别 bie2 bie4; 呛 qiang4 qiang1; 翘 qiao4 qiao2; 亲 qin1 qing4; 任 ren4 ren2; "
    "撒 sa1 sa3; 煞 sha1 sha4; 什 shen2 shi2; 省 sheng3 xing3; 蒙 meng2 meng1 meng3; 拗 ao4 niu4; "
    "奇 qi2 ji1; 区 qu1 ou1; 拓 tuo4 ta4; 鲜 xian1 xian3; 校 xiao4 jiao4"
)
_HETERONYMS = {entry[0]: tuple(entry[2:].split()) for entry in _IN_TWO_WAYS.split("; ")}
# Characters of one sound to an ear: interjections and particles that are written in several ways.
_ALIKE = {
    char: f"={name}"
    for name, chars in (
        ("o", "噢哦喔"), ("a", "啊阿呵"), ("en", "嗯恩唔"), ("ai", "哎唉诶欸"), ("yo", "哟呦"), ("ma", "嘛吗么"),
        ("lou", "喽咯啰"), ("e", "呃额"), ("ya", "呀丫"), ("de", "的地得"),
    )
    for char in chars
}  # fmt: skip
_NEUTRAL_TOO = frozenset("子头们个上下里来去过边面巴得")  # said lightly behind many words
_ZHU_BEHIND, _ZHU_BEFORE = (
    frozenset("名原显专编论土巨卓拙译合遗旧新所执"),
    frozenset("名作称者述录"),
)  # 原著, 著名: not the particle


@lru_cache(maxsize=65_536)
def _readings(char: str) -> Unit:
    """Of one character, without its neighbours."""
    if char in _HETERONYMS:
        return _HETERONYMS[char]
    if char in "〇○":
        return ("ling2",)
    known = PINYIN_DICT.get(ord(char))
    return (to_tone3(known.split(",")[0], neutral_tone_with_five=True),) if known else ()


@lru_cache(maxsize=1)
def _phrases() -> dict[str, list[Unit]]:
    """Those phrases of pypinyin that hold a character of two readings, by themselves: 20 000."""
    found = {}
    for phrase, readings in PHRASES_DICT.items():
        if len(phrase) <= 4 and any(char in _HETERONYMS for char in phrase):
            found[phrase] = tuple(to_tone3(one[0], neutral_tone_with_five=True) for one in readings)
    return found


@lru_cache(maxsize=65_536)
def _in_phrase(window: str, at: int) -> Unit:
    """Readings of window[at] in the longest phrases around it; all that it may have where there is none."""
    phrases, all_of_it = _phrases(), _HETERONYMS[window[at]]
    for length in (4, 3, 2):
        found: list[str] = []
        for start in range(max(0, at - length + 1), min(at, len(window) - length) + 1):
            known = phrases.get(window[start : start + length])
            if known and known[at - start] in all_of_it:
                found.append(known[at - start])
        if found:
            return tuple(dict.fromkeys(found))
    return all_of_it


@lru_cache(maxsize=1)
def _traditional() -> frozenset[str]:
    return frozenset(chr(code) for code in PINYIN_DICT if zhconv.convert(chr(code), "zh-hans") != chr(code))


def simplified(words: str) -> str:
    """Traditional characters as simplified ones, one for one; 著 as 着 where it is the particle.

    >>> simplified("她看著原著，甚麼也沒說")
    '她看着原著，什么也没说'
    """
    if not words.isascii() and not _traditional().isdisjoint(words):
        plain = zhconv.convert(words, "zh-hans")
        words = plain if len(plain) == len(words) else "".join(zhconv.convert(char, "zh-hans") for char in words)
    if "著" in words:
        words = "".join(
            "着"
            if char == "著" and not (words[i - 1 : i] in _ZHU_BEHIND or words[i + 1 : i + 2] in _ZHU_BEFORE)
            else char
            for i, char in enumerate(words)
        )
    return words.replace("甚么", "什么") if "甚" in words else words


def units(words: str) -> list[Unit]:
    """One unit for each character that is a letter, of Chinese or another script, or a digit.

    >>> units("你好ok")
    [('你', 'ni3', 'ni2'), ('好', 'hao3'), ('o',), ('k',)]
    """
    said = simplified(words.lower())
    if not said.isalnum():
        said = "".join([char for char in said if char.isalnum() or char == "○"])
    found, simple = [], _simple
    for i, char in enumerate(said):
        unit = simple.get(char, MISSING)
        if unit is MISSING:
            unit = simple[char] = _alone(char)
        found.append(_unit(said[max(0, i - 3) : i + 4], min(i, 3)) if unit is None else unit)
    return found


MISSING = ("missing",)
_simple: dict[str, Unit | None] = {}  # of each character seen, its unit; None where that depends on its neighbours


def _alone(char: str) -> Unit | None:
    if char in _HETERONYMS or char in "一不" or any(sound.endswith("3") for sound in _readings(char)):
        return None
    return _unit(char, 0)


@lru_cache(maxsize=262_144)
def _unit(window: str, at: int) -> Unit:
    char = window[at]
    if char.isascii():
        return (char,)
    sounds = list(_sounds(window, at))
    following = _sounds(window, at + 1) if at + 1 < len(window) else ()
    tones = {sound[-1] for sound in following}
    if char == "一":
        sounds += ["yi2", "yi4"] if following else []
    elif char == "不":
        sounds += ["bu2"] if "4" in tones else []
    elif "3" in tones:
        sounds += [f"{sound[:-1]}2" for sound in sounds if sound.endswith("3")]
    if char == "幺":
        sounds += ["一", "yi1"]
    if char in _NEUTRAL_TOO:
        sounds += [f"{sound[:-1]}5" for sound in sounds]
    if char in _ALIKE:
        sounds.append(_ALIKE[char])
    return tuple(dict.fromkeys(("零" if char in "〇○" else char, *sounds)))


def _sounds(window: str, at: int) -> Unit:
    char = window[at]
    return _in_phrase(window, at) if char in _HETERONYMS else _readings(char)
