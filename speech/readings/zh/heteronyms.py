"""Characters with several readings: which of them are taken in everyday words, and what beside them decides.

A rule of heteronym_rules.py says what a character is before and behind certain words; then the longest phrase of pypinyin around
it decides; a character alone has the readings before the bar of `_LISTED`, or those that most phrases give it.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from speech.readings.zh.heteronym_rules import BY_CONTEXT

Sounds = tuple[str, ...]

# Readings alone | in phrases and by rules only.
_LISTED = (
    "行 xing2 | hang2; 长 chang2 | zhang3; 还 hai2 | huan2; 重 zhong4 | chong2; 得 de5 de2 | dei3; 地 di4 de5; "
    "乐 le4 | yue4; 觉 jue2 | jiao4; 教 jiao4 | jiao1; 为 wei4 wei2; 都 dou1 | du1; 好 hao3 | hao4; 种 zhong3 | zhong4; "
    "数 shu4 | shu3; 背 bei4 | bei1; 倒 dao4 | dao3; 当 dang1 | dang4; 相 xiang1 | xiang4; 空 kong1 | kong4; "
    "间 jian1 | jian4; 少 shao3 | shao4; 量 liang4 | liang2; 应 ying1 | ying4; 便 bian4 | pian2; 发 fa1 | fa4; "
    "干 gan4 | gan1; 更 geng4 | geng1; 将 jiang1 | jiang4; 卷 juan3 | juan4; 切 qie1 | qie4; 转 zhuan3 | zhuan4; "
    "钉 ding1 | ding4; 论 lun4 | lun2; 冲 chong1 | chong4; 朝 chao2 | zhao1; 传 chuan2 | zhuan4; 处 chu4 | chu3; "
    "称 cheng1 | chen4; 盛 sheng4 | cheng2; 曾 ceng2 | zeng1; 调 tiao2 | diao4; 分 fen1 | fen4; 弹 tan2 | dan4; "
    "给 gei3 | ji3; 假 jia3 | jia4; 降 jiang4 | xiang2; 角 jiao3 | jue2; 结 jie2 | jie1; 禁 jin4 | jin1; 卡 ka3 | qia3; "
    "落 luo4 | la4 lao4; 没 mei2 | mo4; 宁 ning2 | ning4; 炮 pao4 | bao1 pao2; 曲 qu3 | qu1; 舍 she4 | she3; "
    "似 si4 | shi4; 宿 su4 | xiu3 xiu4; 挑 tiao1 | tiao3; 吐 tu3 | tu4; 系 xi4 | ji4; 吓 xia4 | he4; "
    "咽 yan4 yan1 | ye4; 压 ya1 | ya4; 脏 zang1 | zang4; 扎 zha1 | za1 zha2; 中 zhong1 | zhong4; "
    "着 zhe5 | zhao2 zhuo2 zhao1; 钻 zuan1 | zuan4; 作 zuo4 | zuo1; 看 kan4 | kan1; 大 da4 | dai4; 会 hui4 | kuai4; "
    "见 jian4 | xian4; 率 lv4 | shuai4; 模 mo2 | mu2; 难 nan2 | nan4; 强 qiang2 | qiang3 jiang4; 散 san4 | san3; "
    "色 se4 | shai3; 扇 shan4 | shan1; 石 shi2 | dan4; 说 shuo1 | shui4; 提 ti2 | di1; 通 tong1 | tong4; "
    "兴 xing1 | xing4; 要 yao4 | yao1; 饮 yin3 | yin4; 与 yu3 | yu4; 载 zai4 | zai3; 正 zheng4 | zheng1; "
    "只 zhi3 | zhi1; 了 le5 | liao3; 的 de5 | di4 di2 di1; 和 he2 | huo4 huo5; 场 chang3 | chang2; 藏 cang2 | zang4; "
    "差 cha4 | cha1 chai1; 单 dan1 | shan4; 担 dan1 | dan4; 待 dai4 | dai1; 薄 bao2 | bo2 bo4; 剥 bo1 bao1; "
    "答 da2 | da1; 缝 feng2 feng4; 冠 guan1 | guan4; 供 gong1 | gong4; 号 hao4 | hao2; 喝 he1 | he4; "
    "哄 hong3 | hong1 hong4; 华 hua2 | hua4; 几 ji3 | ji1; 夹 jia1 | jia2; 监 jian1 | jian4; 劲 jin4 | jing4; "
    "尽 jin4 | jin3; 圈 quan1 | juan4; 磨 mo2 | mo4; 泡 pao4 | pao1; 屏 ping2 | bing3; 铺 pu1 pu4; 塞 sai1 sai4 | se4; "
    "丧 sang4 sang1; 吁 yu4 xu1; 晕 yun1 | yun4; 仔 zi3 zai3; 择 ze2 | zhai2; 粘 zhan1 nian2; 涨 zhang3 | zhang4; "
    "折 zhe2 | she2 zhe1; 血 xue4 xie3 xue3; 熟 shu2 shou2; 谁 shei2 shui2; 露 lu4 lou4; 削 xiao1 | xue1; "
    "勒 le4 | lei1; 这 zhe4 zhei4; 那 na4 nei4; 哪 na3 nei3; 呢 ne5 | ni2; 吗 ma5 | ma3; 过 guo4 guo5; "
    "上 shang4 | shang3; 个 ge4 ge5; 子 zi3 zi5; 头 tou2 tou5; 里 li3 li5; 帖 tie3 tie1 | tie4; 创 chuang4 | chuang1; "
    "参 can1 | shen1 cen1; 车 che1 | ju1; 匙 chi2 | shi5; 畜 chu4 xu4; 打 da3 | da2; 逮 dai3 dai4; 炸 zha4 zha2; "
    "占 zhan4 | zhan1; 奔 ben1 | ben4; 别 bie2 | bie4; 呛 qiang4 qiang1; 翘 qiao4 qiao2; 亲 qin1 | qing4; "
    "任 ren4 | ren2; 撒 sa3 sa1; 煞 sha1 sha4; 什 shi2 | shen2; 省 sheng3 | xing3; 蒙 meng2 meng1 | meng3; 拗 ao4 niu4; "
    "奇 qi2 | ji1; 区 qu1 | ou1; 拓 tuo4 | ta4; 鲜 xian1 | xian3; 校 xiao4 | jiao4; 杆 gan1 gan3; 朴 pu3 piao2; "
    "燕 yan4 yan1; 汗 han4 | han2; 泊 bo2 po1; 荷 he2 | he4; 厦 sha4 | xia4; 椎 zhui1 | chui2; 幢 zhuang4 chuang2; "
    "肖 xiao1 | xiao4; 扛 kang2 | gang1; 媛 yuan2 | yuan4; 晟 sheng4 cheng2; 茜 qian4 xi1; 拧 ning3 ning2 ning4; "
    "刨 pao2 bao4; 隽 jun4 juan4; 覃 qin2 tan2; 累 lei4 | lei3 lei2; 茄 qie2 | jia1; 漂 piao1 | piao3 piao4; "
    "吧 ba5 | ba1; 啦 la5 la1; 划 hua4 hua2; 靓 liang4; 囤 tun2; 拽 zhuai4; 掺 chan1; 杠 gang4; 仆 pu2 | pu1; "
    "耶 ye1 | ye2; 佛 fo2 | fu2; 葛 ge3 | ge2; 卜 bu3 | bo5; 缪 miu4 miao4 | mou2; 蛤 ha2 ge2; 哗 hua2 hua1; 傀 kui3; "
    "掖 ye1 ye4; 伺 si4 ci4; 琢 zhuo2 | zuo2; 轧 ya4 zha2; 弄 nong4 | long4; 揣 chuai1 chuai3; 撇 pie1 pie3; "
    "豁 huo1 huo4; 糊 hu2 | hu4; 爪 zhua3 zhao3; 坊 fang1 fang2; 涌 yong3 | chong1; 刹 sha1 cha4; 悄 qiao1 | qiao3; "
    "恶 e4 | wu4 e3; 观 guan1 | guan4; 藉 jie4 ji2; 龈 yin2; 耙 pa2 ba4; 蔓 man4 wan4; 笼 long2 long3; 莎 sha1 | suo1; "
    "贾 jia3 | gu3; 菲 fei1 | fei3; 娜 na4 | nuo2; 芯 xin1 | xin4; 褚 chu3; 莞 guan3 | wan3; 翟 zhai2 di2; 脯 pu2 fu3; "
    "炔 que1; 柏 bai3 bo2; 肚 du4 | du3; 挣 zheng4 | zheng1; 褪 tui4 tun4; 哦 o2 o4 o5; 嗯 en1 en4; 哟 yo1 yo5; "
    "闷 men4 | men1; 臭 chou4 | xiu4; 劈 pi1 | pi3; 儿 er2 er5; 哇 wa1 wa5; 晃 huang4 | huang3; 尿 niao4 | sui1; "
    "斗 dou4 | dou3; 秘 mi4 | bi4; 丽 li4 | li2; 阿 a1 | e1; 趟 tang4 | tang1; 胖 pang4 | pan2; 赚 zhuan4 | zuan4; "
    "隆 long2 | long1; 冯 feng2 | ping2; 艾 ai4 | yi4; 菌 jun1 | jun4; 咱 zan2 | za2; 抹 mo3 | ma1 mo4; 挨 ai1 | ai2; "
    "夯 hang1 | ben4; 堡 bao3 | bu3 pu4; 埔 pu3 | bu4; 予 yu3 | yu2; 桔 ju2 | jie2; 咳 ke2 hai1; 镐 gao3 hao4; "
    "姥 lao3 mu3; 奄 yan3 | yan1; 攒 zan3 cuan2; 佣 yong4 yong1; 查 cha2 | zha1; 解 jie3 | jie4 xie4; 盖 gai4 | ge3; "
    "仇 chou2 | qiu2; 渐 jian4 | jian1; 嚷 rang3 | rang1; 否 fou3 | pi3; 壳 ke2 | qiao4; 俩 lia3 | liang3; "
    "嚼 jiao2 | jue2; 杉 shan1 | sha1; 颤 chan4 | zhan4; 钥 yao4 | yue4; 岗 gang3 | gang1; 眯 mi1 | mi2; "
    "框 kuang4 | kuang1; 柚 you4 | you2; 辟 pi4 | bi4; 遂 sui4 | sui2; 搁 ge1 | ge2; 磅 bang4 | pang2; 槛 kan3 | jian4; "
    "熨 yun4 | yu4; 腌 yan1 | a1; 沮 ju3 | ju4; 咖 ka1 | ga1; 蹬 deng1 | deng4; 颇 po1 | po3; 抡 lun1 | lun2; "
    "侯 hou2 | hou4; 扒 ba1 pa2; 栅 zha4 | shan1; 嗽 sou5 sou4; 瘪 bie3 | bie1; 撅 jue1 | jue2; 浒 hu3 | xu3; "
    "澎 peng2 peng1; 倔 jue4 | jue2; 哩 li5 li3 li1; 呗 bei5 | bai4; 唠 lao2 lao4 lao1; 嘛 ma5 | ma2; 嗦 suo5 suo1; "
    "溜 liu1 | liu4; 臊 sao4 | sao1; 谩 man4 | man2"
)
_PARTS = {entry[0]: entry[2:].partition("|") for entry in _LISTED.split("; ")}
ALONE: dict[str, Sounds] = {char: tuple(alone.split()) for char, (alone, _, _) in _PARTS.items()}
_ALL: dict[str, frozenset[str]] = {
    char: frozenset((alone + other).split()) for char, (alone, _, other) in _PARTS.items()
}
RULES = {
    char: tuple(
        (re.compile(f"(?:{before})$"), re.compile(behind), tuple(said.split())) for before, behind, said in rules
    )
    for char, rules in BY_CONTEXT.items()
}
_USUAL = 0.2  # share of a character's phrases in which a reading has to be, to be taken for the character alone
_FEW = 4  # phrases: too few to say that the dictionary's first reading is a rare one


@lru_cache(maxsize=4096)
def _toned(pinyin: str) -> str:
    """nǐ -> ni3"""
    return to_tone3(pinyin, neutral_tone_with_five=True)


def first_reading(char: str) -> str | None:
    """The one that pypinyin's dictionary names first."""
    known = PINYIN_DICT.get(ord(char))
    return _toned(known.split(",")[0]) if known else None


@lru_cache(maxsize=1)
def _phrases() -> tuple[dict[str, Sounds], dict[str, Sounds], dict[str, frozenset[str]]]:
    """Phrases of up to four characters that hold one of several readings; its readings alone, and all."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    toned: dict[str, Sounds] = {}
    for phrase, readings in PHRASES_DICT.items():
        if len(phrase) <= 4:
            toned[phrase] = tuple(_toned(one[0]) for one in readings)
            for char, sound in zip(phrase, toned[phrase], strict=False):
                counts[char][sound] += sound[-1] != "5"
    alone, all_of_it = dict(ALONE), dict(_ALL)
    for char, count in counts.items():
        total, first = sum(count.values()), first_reading(char)
        usual = [sound for sound, often in count.most_common() if often >= max(1, _USUAL * total)]
        if char in alone or not usual or set(count) <= {first}:
            continue
        if total < _FEW:
            usual = [first, *usual] if first else usual
        alone[char] = tuple(dict.fromkeys(usual))
        all_of_it[char] = frozenset((*count, *usual))
    held = {phrase: sounds for phrase, sounds in toned.items() if any(char in alone for char in phrase)}
    return held, alone, all_of_it


def has_several(char: str) -> bool:
    return char in _phrases()[1]


@lru_cache(maxsize=65_536)
def sounds_of(window: str, at: int) -> Sounds:
    """Readings of window[at], a character of several: by a rule, or the longest phrases around it, or all it has alone.

    >>> sounds_of("银行", 1), sounds_of("首都", 1), sounds_of("我得走", 1)
    (('hang2',), ('du1',), ('dei3',))
    """
    char = window[at]
    for before, behind, said in RULES.get(char, ()):
        if before.search(window[:at]) and behind.match(window, at + 1):
            return said
    phrases, alone, all_of_it = _phrases()
    for length in (4, 3, 2):
        found: list[str] = []
        for start in range(max(0, at - length + 1), min(at, len(window) - length) + 1):
            known = phrases.get(window[start : start + length])
            if known and len(known) == length and known[at - start] in all_of_it[char]:
                found.append(known[at - start])
        if found:
            light = any(sound[-1] == "5" for sound in found)  # said lightly, or in full
            return tuple(dict.fromkeys((*found, *(alone[char] if light else ()))))
    return alone[char]
