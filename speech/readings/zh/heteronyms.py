"""Characters with several readings: which of them are taken in everyday words, and what beside them decides.

A rule of `RULES` says what a character is before and behind certain words; then the longest phrase of pypinyin around
it decides; a character alone has the readings before the bar of `_LISTED`, or those that most phrases give it.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

Sounds = tuple[str, ...]

# Readings alone | in phrases and by rules only.
_LISTED = (
    "行 xing2 | hang2; 长 chang2 zhang3; 还 hai2 huan2; 重 zhong4 chong2; 得 de5 de2 dei3; 地 di4 de5; "
    "乐 le4 | yue4; 觉 jue2 | jiao4; 教 jiao4 jiao1; 为 wei4 wei2; 都 dou1 | du1; 好 hao3 | hao4; 种 zhong3 zhong4; "
    "数 shu4 | shu3; 背 bei4 bei1; 倒 dao4 dao3; 当 dang1 | dang4; 相 xiang1 | xiang4; 空 kong1 | kong4; "
    "间 jian1 | jian4; 少 shao3 | shao4; 量 liang4 | liang2; 应 ying1 | ying4; 便 bian4 | pian2; 发 fa1 | fa4; "
    "干 gan4 gan1; 更 geng4 | geng1; 将 jiang1 | jiang4; 卷 juan3 juan4; 切 qie1 | qie4; 转 zhuan3 zhuan4; "
    "钉 ding1 ding4; 论 lun4 | lun2; 冲 chong1 chong4; 朝 chao2 | zhao1; 传 chuan2 | zhuan4; 处 chu4 chu3; "
    "称 cheng1 | chen4; 盛 sheng4 | cheng2; 曾 ceng2 | zeng1; 调 diao4 tiao2; 分 fen1 | fen4; 弹 dan4 tan2; "
    "给 gei3 | ji3; 假 jia3 | jia4; 降 jiang4 | xiang2; 角 jiao3 | jue2; 结 jie2 | jie1; 禁 jin4 | jin1; "
    "卡 ka3 | qia3; 落 luo4 | la4 lao4; 没 mei2 | mo4; 宁 ning2 | ning4; 炮 pao4 | bao1 pao2; 曲 qu3 qu1; "
    "舍 she3 she4; 似 si4 | shi4; 宿 su4 | xiu3 xiu4; 挑 tiao1 tiao3; 吐 tu3 tu4; 系 xi4 | ji4; 吓 xia4 | he4; "
    "咽 yan4 | yan1 ye4; 压 ya1 | ya4; 脏 zang1 | zang4; 扎 zha1 za1; 中 zhong1 | zhong4; "
    "着 zhe5 | zhao2 zhuo2 zhao1; 钻 zuan1 zuan4; 作 zuo4 | zuo1; 看 kan4 | kan1; 大 da4 | dai4; 会 hui4 | kuai4; "
    "见 jian4 | xian4; 率 lv4 | shuai4; 模 mo2 | mu2; 难 nan2 | nan4; 强 qiang2 | qiang3 jiang4; 散 san4 san3; "
    "色 se4 | shai3; 扇 shan4 shan1; 石 shi2 | dan4; 说 shuo1 | shui4; 提 ti2 | di1; 通 tong1 | tong4; "
    "兴 xing1 | xing4; 要 yao4 | yao1; 饮 yin3 | yin4; 与 yu3 | yu4; 载 zai4 zai3; 正 zheng4 | zheng1; 只 zhi3 zhi1; "
    "了 le5 | liao3; 的 de5 | di4 di2 di1; 和 he2 | huo4 huo5; 场 chang3 | chang2; 藏 cang2 | zang4; "
    "差 cha4 cha1 | chai1; 单 dan1 | shan4; 担 dan1 | dan4; 待 dai4 | dai1; 薄 bao2 bo2 | bo4; 剥 bo1 bao1; "
    "答 da2 | da1; 缝 feng2 feng4; 冠 guan1 guan4; 供 gong1 | gong4; 号 hao4 | hao2; 喝 he1 | he4; "
    "哄 hong3 | hong1 hong4; 华 hua2 | hua4; 几 ji3 | ji1; 夹 jia1 | jia2; 监 jian1 | jian4; 劲 jin4 jing4; "
    "尽 jin4 | jin3; 圈 quan1 | juan4; 磨 mo2 | mo4; 泡 pao4 | pao1; 屏 ping2 | bing3; 铺 pu1 pu4; "
    "塞 sai1 sai4 | se4; 丧 sang4 sang1; 吁 yu4 xu1; 晕 yun1 yun4; 仔 zi3 zai3; 择 ze2 | zhai2; 粘 zhan1 nian2; "
    "涨 zhang3 | zhang4; 折 zhe2 | she2 zhe1; 血 xue4 xie3 xue3; 熟 shu2 shou2; 谁 shei2 shui2; 露 lu4 lou4; "
    "削 xue1 xiao1; 勒 le4 lei1; 这 zhe4 zhei4; 那 na4 nei4; 哪 na3 nei3; 呢 ne5 | ni2; 吗 ma5 | ma3; 过 guo4 guo5; "
    "上 shang4 | shang3; 个 ge4 ge5; 子 zi3 zi5; 头 tou2 tou5; 里 li3 li5; 帖 tie3 tie1 | tie4; "
    "创 chuang4 | chuang1; 参 can1 | shen1 cen1; 车 che1 | ju1; 匙 chi2 | shi5; 畜 chu4 xu4; 打 da3 | da2; "
    "逮 dai3 dai4; 炸 zha4 zha2; 占 zhan4 | zhan1; 奔 ben1 ben4; 别 bie2 | bie4; 呛 qiang4 qiang1; 翘 qiao4 qiao2; "
    "亲 qin1 | qing4; 任 ren4 | ren2; 撒 sa1 sa3; 煞 sha1 sha4; 什 shen2 shi2; 省 sheng3 | xing3; "
    "蒙 meng2 meng1 | meng3; 拗 ao4 niu4; 奇 qi2 | ji1; 区 qu1 | ou1; 拓 tuo4 | ta4; 鲜 xian1 | xian3; "
    "校 xiao4 | jiao4; 杆 gan1 gan3; 朴 pu3 piao2; 燕 yan4 yan1; 汗 han4 | han2; 泊 bo2 po1; 荷 he2 | he4; "
    "厦 sha4 xia4; 椎 zhui1 | chui2; 幢 zhuang4 chuang2; 肖 xiao1 xiao4; 扛 kang2 | gang1; 媛 yuan2 yuan4; "
    "晟 sheng4 cheng2; 茜 qian4 xi1; 拧 ning3 ning2 ning4; 刨 pao2 bao4; 隽 jun4 juan4; 覃 qin2 tan2; "
    "累 lei4 | lei3 lei2; 茄 qie2 | jia1; 漂 piao1 | piao3 piao4; 吧 ba5 | ba1; 啦 la5 la1; 划 hua4 hua2; 靓 liang4; "
    "囤 tun2; 拽 zhuai4; 掺 chan1; 杠 gang4; 仆 pu2 pu1; 耶 ye1 | ye2; 佛 fo2 | fu2; 葛 ge3 ge2; 卜 bu3 | bo5; "
    "缪 miu4 miao4 | mou2; 蛤 ha2 ge2; 哗 hua2 hua1; 傀 kui3; 掖 ye1 ye4; 伺 si4 ci4; 琢 zhuo2 | zuo2; 轧 ya4 zha2; "
    "弄 nong4 | long4; 揣 chuai1 chuai3; 撇 pie1 pie3; 豁 huo1 huo4; 糊 hu2 | hu4; 爪 zhua3 zhao3; 坊 fang1 fang2; "
    "涌 yong3 | chong1; 刹 sha1 cha4; 悄 qiao1 | qiao3; 恶 e4 wu4 | e3; 观 guan1 | guan4; 藉 jie4 ji2; 龈 yin2; "
    "耙 pa2 ba4; 蔓 man4 wan4; 笼 long2 long3; 莎 sha1 | suo1; 贾 jia3 | gu3; 菲 fei1 | fei3; 娜 na4 | nuo2; "
    "芯 xin1 xin4; 褚 chu3; 莞 guan3 | wan3; 翟 zhai2 di2; 脯 pu2 fu3; 炔 que1; 柏 bai3 bo2; 肚 du4 | du3; "
    "挣 zheng1 zheng4; 褪 tui4 tun4; 哦 o2 o4 o5; 嗯 en1 en4; 哟 yo1 yo5; 闷 men4 men1; 臭 chou4 | xiu4; 劈 pi1 pi3; "
    "儿 er2 er5; 哇 wa1 wa5; 晃 huang4 huang3; 尿 niao4 | sui1; 斗 dou4 dou3; 秘 mi4 | bi4; 丽 li4 | li2; 阿 a1 | e1"
)
_PARTS = {entry[0]: entry[2:].partition("|") for entry in _LISTED.split("; ")}
ALONE: dict[str, Sounds] = {char: tuple(alone.split()) for char, (alone, _, _) in _PARTS.items()}
_ALL: dict[str, frozenset[str]] = {
    char: frozenset((alone + other).split()) for char, (alone, _, other) in _PARTS.items()
}
_BEFORE_DE = (
    "跑跳说讲唱写走玩飞吃喝睡穿笑哭累忙热冷气急高快慢好听看想长变显觉值记懂舍晓认使省免懒起住做画打学开弹拉游骑考"
)
_NUMBER = "一二三四五六七八九十两几每百千"

# Of a character: (what ends before it, what begins behind it, readings), as regular expressions; the first that fits.
_BY_CONTEXT: dict[str, tuple[tuple[str, str, str], ...]] = {
    "得": (
        ("[我你他她它们谁都也还就总可又非]", "到(?![了的过])", "de2 dei3"),
        ("[我你他她它们谁]", "[了到奖分第过出知病罪失意名势以逞体当]", "de2"),
        ("[我你他她它们谁都也还就总可又非]", "[^了到奖分第过出知病罪失意名势以逞体当]", "dei3"),
        (f"[{_BEFORE_DE}]", "", "de5"),
    ),
    "地": ((r"(.)\1", "", "de5"), (r"\A", "", "di4"), ("", "[方址铁图球震区板毯狱]", "di4")),
    "长": (
        ("", "[得大高出成胖满]", "zhang3"),
        ("", "[期时度途达远短城江沙春篇久裤裙袖椅]", "chang2"),
        ("[很太最更较多这那么十挺真越好米里尺寸]", "", "chang2"),
        ("[校院部局处科班组队会董市县区镇村家船站所厂店行团师舰]", "", "zhang3"),
    ),
    "教": (("", "[我你他她它咱谁孩]", "jiao1"), ("", "(?:了|过)", "jiao1")),
    "数": (
        ("(?:^|[^人次个字系倍级参总多少分基函整复对指无])", "[一了到不清着钱羊星数]", "shu3"),
        ("[请来去]", "", "shu3"),
    ),
    "重": (
        ("", "[新复来建返播申启装修组获逢拍演温写做]", "chong2"),
        ("[很太最更好这那么越体超过沉较真]", "", "zhong4"),
        ("", "[达量视点大心病物伤要任型担情]", "zhong4"),
    ),
    "还": (
        ("", "[没是有要在能会可不好得行算想很更真挺太差剩敢需应用记活爱]", "hai2"),
        ("", "[书款债清贷]", "huan2"),
    ),
    "为": (
        ("因", "", "wei4"),
        ("", "[什何了您你我他她它谁]|人民|大家|祖国|自己|孩子|客户|用户|学生", "wei4"),
        ("", "[成主止难期限伍]", "wei2"),
        ("[作成认称以分改变定视列译化评选设命名誉升降]", "", "wei2"),
    ),
    "种": ((f"[{_NUMBER}这那各多某哪品人物]", "(?![地树花菜田稻])", "zhong3"), ("", "[地树花菜田稻]", "zhong4")),
    "行": (("[工建招央商投支总这那本]", "", "hang2 xing2"), (f"[{_NUMBER}]", "", "hang2 xing2")),
    "乐": (("[音声民管弦配奏]", "", "yue4"), ("", "[器队团曲谱章]", "yue4")),
    "觉": (("睡.{0,2}", "", "jiao4"), ("[午懒]", "", "jiao4")),
    "空": (("[有没抽得]", "(?![调气间军想])", "kong4"),),
    "量": (("(?:^|[^数质重大少力流产])", "[一了体身尺血]", "liang2"),),
    "盛": (("", "[饭汤了满着菜一]", "cheng2"),),
    "曾": (("", "先生|小姐|女士|老师|国藩|志伟|总", "zeng1"),),
    "弹": (("", "[钢琴吉着奏唱得过完簧性力跳回]", "tan2"), ("[子炸导炮核]", "", "dan4"), ("", "[药头]", "dan4")),
    "假": (("[放请休暑寒年病产婚度长事]", "(?![装如])", "jia4"), ("", "[期日条]", "jia4")),
    "曲": (("", "[线折]", "qu1"), ("[歌乐舞戏一首插名神]", "", "qu3")),
    "似": (("(?:^|[^相类近貌酷])", "的", "shi4"),),
    "单": (("", "先生|小姐|女士|老师|雄信|县", "shan4"),),
    "铺": (("", "[在上好床满着设垫平开路了地]", "pu1"), ("[店商卧床当]", "", "pu4")),
    "吧": (("[酒网贴书水咖]", "", "ba1 ba5"),),
    "朴": (("[质简俭纯淳]", "", "pu3"), ("", "[素实]", "pu3")),
    "系": (("", "[鞋领围安红好着]", "ji4"),),
    "中": (
        ("", "(?:[奖毒弹标计招暑]|头奖|大奖|[一二三]等奖|彩票)", "zhong4"),
        ("[打击猜射看选考投命撞砸]", "(?![国文学心])", "zhong4"),
        ("(?:^|[^其心家手水途集高初])", "了", "zhong4"),
    ),
    "着": (("[睡找点猜]", "", "zhao2 zhe5"), ("", "[急火凉迷]", "zhao2"), ("", "(?:想|眼|手|装)", "zhuo2 zhe5")),
    "钻": (("", "[石戒]", "zuan4"),),
    "会": (("", "计算", "hui4"),),
    "率": (("", "[领先队部兵军众]", "shuai4"),),
    "兴": (("", "[隆旺起盛建办]", "xing1"), ("[高扫尽余]", "", "xing4"), ("", "[趣致冲]", "xing4")),
    "调": (
        ("", "[到动查换走离派任职入出取]", "diao4"),
        ("", "[整节解味料皮试剂侃控理高低大小]", "tiao2"),
    ),
    "处": (("", "[在于理置分罚决女世]", "chu3"), ("[到四好坏益用长短害各何远近别深高低妙科]", "", "chu4")),
    "倒": (
        ("[摔跌打推绊昏晕病卧滑压]", "", "dao3"),
        ("", "[下塌闭霉]", "dao3"),
        ("", "[水茶酒垃数立影计退掉]", "dao4"),
    ),
    "转": (("", "[身头弯眼告达发交让移变折向学院机账业播换载]", "zhuan3"), ("", "[圈盘速悠]", "zhuan4")),
    "卷": (("[第试考答]", "", "juan4"), ("", "[起了成尺]", "juan3")),
    "晕": (("", "[车船机]", "yun4"), ("", "[倒了头过]", "yun1")),
    "薄": (("[很太好最这那]", "(?![弱膜利])", "bao2"), ("", "[片饼被纸]", "bao2"), ("", "[弱膜利]", "bo2")),
    "缝": (("", "[衣补纫合针]", "feng2"), ("[门裂墙石夹]", "", "feng4")),
    "吐": (("[想呕孕]", "", "tu4"), ("", "[痰字露气槽]", "tu3")),
    "舍": (("", "[不弃得己]", "she3"), ("[宿校寒房]", "", "she4")),
    "散": (("", "[步会开去发布落场]", "san4"), ("", "[文装光户打]", "san3")),
    "挑": (("", "[选食剔担水]", "tiao1"), ("", "[战衅逗拨]", "tiao3")),
    "载": (("[记刊]", "", "zai3"), ("", "[重客入货人]", "zai4")),
    "塞": (("", "[车满进住了]", "sai1"),),
    "丧": (("", "[失气命]", "sang4"), ("", "[事礼葬尸]", "sang1")),
    "粘": (("", "[贴在上住]", "zhan1"), ("", "[性土稠]", "nian2")),
    "钉": (("", "子", "ding1"), ("", "[上在住]", "ding4")),
    "应": (("", "[付邀聘战声]", "ying4"),),
    "炸": (("", "[鸡薯油酱丸好熟]", "zha2"), ("", "[弹药毁死伤]", "zha4"), ("[爆轰]", "", "zha4")),
    "撒": (("", "[谎手娇野欢气尿]", "sa1"), ("", "[盐种糖]", "sa3")),
    "划": (("", "[船算拳]", "hua2"), ("", "[分清线出]", "hua4"), ("[计规策]", "", "hua4")),
    "泊": (("[停漂淡尼]", "", "bo2"), ("[湖血]", "", "po1")),
    "只": (
        (f"[{_NUMBER}]", "(?![有要是能会想够])", "zhi1"),
        ("[这那哪]", "[猫狗鸟鸡鸭鹅羊牛猪兔鼠虎狮熊猴鱼虫蚊蝇蝴船鞋手脚眼耳袜箱杯碗笔表小大老白黑]", "zhi1"),
        ("[这那哪]", "(?![有要是能会想够])", "zhi1 zhi3"),
        ("", "[有要是能会好想不够]", "zhi3"),
    ),
    "了": (("[不得]", "", "le5 liao3"),),
    "场": ((f"[{_NUMBER}这那]", "", "chang3 chang2"),),
    "藏": (("[西青川]", "", "zang4"), ("", "[传族区]", "zang4")),
    "差": (("", "[不点很]", "cha4"), ("[偏落相时温反误]", "", "cha1"), ("[很太最更]", "", "cha4"), ("出", "", "chai1")),
    "待": (("", "[在着会一了]", "dai1 dai4"),),
    "尽": (("", "[管量快早]", "jin3"),),
    "宿": ((f"[{_NUMBER}晚]", "", "xiu3 su4"),),
    "大": (("", "夫", "dai4"),),
    "背": (("", "着?(?:书包|包|孩|行李|[我你他她老小])|起", "bei1"),),
    "干": (
        ("", "[嘛吗什活]|部(?!分)|劲|警", "gan4"),
        ("", "[净杯燥旱脆枯货裂洗果粮]", "gan1"),
        ("[很太口晒晾吹烘擦]", "", "gan1"),
    ),
    "脏": (("[心肝肾内五脾]", "", "zang4"), ("", "[器腑]", "zang4")),
    "鲜": (("朝", "", "xian3"),),
    "蒙": (("", "古", "meng3"), ("内", "", "meng3")),
}  # fmt: skip
RULES = {
    char: tuple(
        (re.compile(f"(?:{before})$"), re.compile(behind), tuple(said.split())) for before, behind, said in rules
    )
    for char, rules in _BY_CONTEXT.items()
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
def _phrases() -> tuple[dict[str, Sounds], dict[str, Sounds], dict[str, frozenset[str]], frozenset[str]]:
    """Phrases of up to four characters that hold one of several readings; its readings alone, and all; neighbours in
    any of the phrases."""
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
    pairs = frozenset(phrase[i : i + 2] for phrase in held for i in range(len(phrase) - 1))
    return held, alone, all_of_it, pairs


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
    phrases, alone, all_of_it, pairs = _phrases()
    if window[at - 1 : at + 1] not in pairs and window[at : at + 2] not in pairs:
        return alone[char]
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
