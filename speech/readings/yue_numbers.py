"""Cantonese numbers in characters: 25 二十五 or 廿五, 1500 一千五百 or 千五, $12.5 十二個半, 3:15 三點三個字."""

from functools import lru_cache

LARGEST = 10**16 - 1
DIGITS = "零一二三四五六七八九"


def plain(number: int) -> str:
    """A whole number in its plainest words.

    >>> plain(1205), plain(12), plain(10_500)
    ('一千二百零五', '十二', '一萬零五百')
    """
    if number == 0:
        return "零"
    said, gap = "", False
    for size, name in ((10**12, "兆"), (10**8, "億"), (10**4, "萬"), (1, "")):
        count, number = divmod(number, size)
        if count:
            said += ("零" if said and (gap or count < 1000) else "") + _to_9999(count) + name
            gap = False
        elif said:
            gap = True
    return said[1:] if said.startswith("一十") else said


def _to_9999(number: int) -> str:
    said, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + name
            gap = False
        else:
            gap = True
    return said


@lru_cache(maxsize=16_384)
def cardinal(number: int) -> tuple[str, ...]:
    """All ways to say a whole number: with 廿 and 卅, 兩 before 百 千 萬 億, and cut short (千五, 三百五)."""
    base = plain(number)
    ways = [base]
    if 20 <= number % 100 < 40:
        tens = {2: ("二十", "廿"), 3: ("三十", "卅")}[number % 100 // 10]
        at = base.rfind(tens[0])
        ways.append(base[:at] + tens[1] + base[at + 2 :])
    text = str(number)
    if len(text) > 2 and text[1] != "0" and not text[2:].strip("0") and number < 100_000:
        unit = {3: "百", 4: "千", 5: "萬"}[len(text)]
        ways.append(DIGITS[int(text[0])] + unit + DIGITS[int(text[1])])
        if text[0] == "1":
            ways.append(unit + DIGITS[int(text[1])])
    ways += [_two(way) for way in ways if "二百" in way or "二千" in way or "二萬" in way or "二億" in way or "二兆" in way]
    if base[0] == "十" and number >= 100_000:
        ways.append("一" + base)
    return tuple(dict.fromkeys(ways))


def _two(said: str) -> str:
    for unit in "百千萬億兆":
        if not said.startswith("十"):
            said = said.replace("二" + unit, "兩" + unit) if f"十二{unit}" not in said else said
    return said


# What is counted with 兩, not 二, when there are two of it; with 二 only; all else either way.
_LIANG = (
    "個 个 位 杯 本 次 間 间 張 张 隻 只 條 条 件 枝 支 部 架 包 盒 樽 罐 碗 碟 塊 块 粒 對 对 雙 双 套 份 種 种 家 場 场 排 層 棟 座 輛 辆 名 人 分鐘 分钟 個鐘 个钟 小時 小时 個月 个月 星期 點 点 點鐘 点钟 點半 蚊 萬 万 億 亿 千 百 日 年 晚 餐 圈 袋 串 筆 笔 "
    "句 篇 首 把 頂 顶 棵 朵 頭 头 匹 滴 處 处 邊 边 代 回 趟 倍 圓 片 幅 門 门 項 项 批 班 打 磅 斤 公斤 公里 米 呎 秒 歲 岁 度 元 成 仔 齣 單 单 盞 扇 疊 籠 煲 味 道 鍵 隊 队"
).split()
_EITHER = "元 歲 岁 度 年 日 成 座 公里 公斤 米 秒 百 千 萬 万 億 亿 人 名 倍 分鐘 分钟 班 呎 磅 代".split()
_ER = "月 號 号 樓 楼 期 線 线 路 房 室 級 级 班級 等 世 樓層 年級 年级 中".split()
COUNTERS = sorted({*_LIANG, *_EITHER, *_ER}, key=len, reverse=True)


def counted(number: int, counter: str) -> tuple[str, ...]:
    """Ways to say a number before a counter of COUNTERS ("" for none): 2個 兩個, 2號 二號, 2元 兩元 or 二元."""
    ways = cardinal(number)
    if number != 2 or not counter or counter in _ER:
        return ways
    return ("兩", "二") if counter in _EITHER else ("兩",)


def digits(number: str) -> str:
    """Digit by digit (1 is 一, never 幺)."""
    return "".join(DIGITS[int(digit)] for digit in number)


def clock(hour: int, minute: int) -> list[str]:
    """3:15: 三點十五分, 三點三個字, 三點三; 3:30: 三點半."""
    head = "兩點" if hour == 2 else plain(hour) + "點"
    if minute == 0:
        return [head, head + "正", head + "鐘", head + "零零分"]
    minutes = cardinal(minute)
    ways = [head + way + "分" for way in minutes] + [head + way for way in minutes if minute > 10]
    if minute < 10:
        ways += [f"{head}零{plain(minute)}分", f"{head}零{plain(minute)}"]
    if minute % 5 == 0 and minute != 30:
        count = minute // 5
        word = plain(count)
        ways += [head + ("兩" if count == 2 else word) + "個字", head + word, f"{head}搭{word}", f"{head}踏{word}"]
    if minute == 30:
        ways += [head + "半", head + "搭半", head + "踏半"]
    if minute in (15, 45):
        ways += [head + {15: "一", 45: "三"}[minute] + "個骨"]
    return ways


def money(number: int, fraction: str) -> list[str]:
    """Dollars: 20 二十蚊, 二十元; 12.5 十二個半; 1.2 個二; 15.90 十五個九."""
    names = ("蚊", "元", "塊", "文")
    if not fraction or not fraction.strip("0"):
        ways = [way + name for name in names for way in counted(number, name if name != "塊" else "蚊")]
        return ways + [f"{way}{name}" for way in ("二",) * (number == 2) for name in ("元",)] + [f"{way}蚊正" for way in ()]
    whole = [*cardinal(number)] if number != 2 else ["兩", "二"]
    tail = digits(fraction)
    ways = [f"{way}點{tail}{name}" for name in names[:2] for way in cardinal(number)]
    tenths = fraction.rstrip("0")
    if len(tenths) == 1:
        short = "半" if tenths == "5" else digits(tenths)
        heads = whole if number > 1 else ["一", ""] if number == 1 else []
        ways += [f"{head}個{short}" for head in heads] + [f"{head}蚊{short}" for head in heads if head] + [f"{head}個五" for head in heads if tenths == "5"]
        ways += [f"{head}{name}{digits(tenths)}{cent}" for head in (whole if number else []) for name, cent in (("元", "角"), ("蚊", "毫"), ("蚊", "毫子"), ("元", "毫"))]
        if not number:
            ways += [("兩" if tenths == "2" else digits(tenths)) + cent for cent in ("毫", "毫子", "角")]
    return ways
