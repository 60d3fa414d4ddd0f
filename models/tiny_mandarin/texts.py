"""Everyday Mandarin sentences from a small grammar: times, dates, prices, weather, errands.

The grammar is closed (about 120 characters) so that a model of two million parameters can learn to speak in minutes,
and open enough (more than a million sentences) that the held-out texts are new. Numbers are written as they are read.

>>> numeral(0), numeral(15), numeral(20), numeral(105), numeral(999)
('零', '十五', '二十', '一百零五', '九百九十九')
"""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate

DIGITS = "零一二三四五六七八九"
PEOPLE = ["我", "你", "他", "我们", "爸爸", "妈妈", "老师", "哥哥", "姐姐", "朋友"]
DAYS = ["今天", "明天", "后天", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期天"]
PARTS_OF_DAY = ["早上", "上午", "中午", "下午", "晚上"]
PLACES = ["学校", "公司", "医院", "北京", "上海", "车站", "公园", "机场"]
ACTIVITIES = ["开会", "吃饭", "上课", "回家", "看电影", "坐火车", "打电话", "买东西"]
GOODS = ["苹果", "牛奶", "鸡蛋", "面包", "米饭", "咖啡", "衣服"]
WEATHER = ["很热", "很冷", "下雨", "下雪", "刮风", "天气很好"]


def numeral(number: int) -> str:
    """The Mandarin reading of 0 <= number < 1000 (十五, not 一十五, for a leading ten).

    Raises:
        ValueError: the number is outside that range.
    """
    if not 0 <= number < 1000:
        raise ValueError(f"numeral() reads 0 to 999, got {number}")
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    text = DIGITS[hundreds] + "百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (DIGITS[ones] if ones or not number else "")


def _clock(rng: random.Random) -> str:
    hour = rng.randint(1, 12)
    return (
        ("两" if hour == 2 else numeral(hour)) + "点" + rng.choice(["", "", "半", numeral(rng.randint(10, 59)) + "分"])
    )


def _date(rng: random.Random) -> str:
    return numeral(rng.randint(1, 12)) + "月" + numeral(rng.randint(1, 31)) + "号"


TEMPLATES: list[Callable[[random.Random], str]] = [
    lambda r: r.choice(DAYS[:3]) + "是" + _date(r),
    lambda r: "现在是" + r.choice(PARTS_OF_DAY) + _clock(r),
    lambda r: r.choice(GOODS) + "一共" + numeral(r.randint(2, 999)) + "块钱",
    lambda r: r.choice(PEOPLE) + "今年" + numeral(r.randint(3, 99)) + "岁了",
    lambda r: r.choice(PLACES) + r.choice(DAYS) + r.choice(WEATHER),
    lambda r: "去" + r.choice(PLACES) + "要" + numeral(r.randint(5, 90)) + "分钟",
    lambda r: r.choice(PEOPLE) + r.choice(DAYS) + r.choice(PARTS_OF_DAY) + r.choice(ACTIVITIES),
    lambda r: r.choice(PEOPLE) + r.choice(DAYS) + _clock(r) + "去" + r.choice(PLACES),
    lambda r: r.choice(PEOPLE) + _date(r) + "去" + r.choice(PLACES) + r.choice(ACTIVITIES[:3]),
    lambda r: r.choice(PEOPLE) + "想买" + numeral(r.randint(3, 30)) + "个" + r.choice(GOODS[:4]),
]


def sample_texts(counts: Sequence[int], seed: int) -> list[list[str]]:
    """One list of distinct sentences for each count, none of them in two lists; the same for the same arguments.

    All are drawn before they are shuffled and cut. Drawn one list after another, the small templates would run out:
    dates, ages, weather, minutes and shopping would be half of the first list and a seventh of the last.
    """
    rng = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < sum(counts):
        texts[rng.choice(TEMPLATES)(rng)] = None
    shuffled = list(texts)
    rng.shuffle(shuffled)
    ends = list(accumulate(counts))
    return [shuffled[end - count : end] for end, count in zip(ends, counts, strict=True)]
