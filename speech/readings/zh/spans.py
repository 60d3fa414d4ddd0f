"""Spans of a Mandarin text: a number with what belongs to it, a sign, an address, a 儿 that may be left out.

The text is walked once; where a digit or a sign stands, the first rule that matches there makes the span.
"""

import re
from collections.abc import Callable

from speech.readings.span import Span
from speech.readings.with_english import with_english
from speech.readings.zh import arithmetic, codes, days, forms, formulas, money, quantities, rates, signs
from speech.readings.zh.erhua import ERHUA
from speech.readings.zh.pinyin import simplified

Rule = Callable[[str, int], Span | None]
# In this order: what is longer and surer first.
RULES: tuple[Rule, ...] = (
    signs.address,
    codes.keys,
    codes.note,
    signs.numbered,
    codes.from_to,
    codes.standard,
    signs.to,
    forms.date,
    days.months,
    days.days,
    forms.lasting,
    forms.time,
    forms.season,
    forms.phone,
    forms.named_day,
    forms.score,
    forms.angle,
    forms.code,
    forms.version,
    signs.compared,
    formulas.over_letter,
    arithmetic.equation,
    days.named,
    codes.ordinals,
    codes.slashed,
    arithmetic.fraction,
    money.money,
    codes.named,
    rates.rate,
    rates.more,
    rates.multiple,
    quantities.quantity,
    formulas.face,
    formulas.root,
    formulas.unit_named,
    formulas.bracket,
    formulas.absolute,
    formulas.minus,
    formulas.remainder,
    formulas.charge,
    formulas.power,
    formulas.lowered,
    formulas.substance,
    signs.roman,
    signs.per,
    signs.sign,
)
_MAYBE = re.compile(
    r'[廿卅]|!(?=[=@#$%^&*])|(?<=[A-Za-z]):(?=\d{2,5}(?!\d))|(?<=\d):(?=[A-Z]{1,2}\d)|[^\u4e00-\u9fff\u3001-\u3011,!?:;"\u201c\u201d]'
)
_BEGIN = re.compile(
    r"[0-9]|[-−–+~](?=\s?[0-9¥$€£.])|(?<![A-Za-z])[A-Za-z](?=[\w.+-]*[.@:][\w/])|[A-Z]{0,3}[$¥](?=\s?\d)|(?:RMB|CNY|USD|HKD|EUR)(?=\s?\d)"
    r"|[廿卅]|!(?=[=@#$%^&*])|·(?=\d*H)|(?<![A-Za-z])[A-G](?=[♯♭#])|(?<![A-Za-z])[Cc](?=(?:trl|TRL)(?![A-Za-z]))|(?<=\d)\.(?=(?:SH|SZ|HK|BJ)(?![A-Za-z]))"
    r"|(?<![A-Za-z])N[oO]\.(?=\s?\d)|(?<=[\u4e00-\u9fff])\s?[-−–—~～〜](?=\s?[-−]?[\u4e00-\u9fff\d])"
    r"|(?<=:\d\d)\s?[-−–—~～〜](?=\s?(?:[早上中下晚凌次]|\d{1,2}月))"
    r"|[€£₩₽₹฿]|[\u2160-\u217b]|(?<=第)[IVXivx]+|[IVX]{2,}|[\u2460-\u24ff\u2776-\u277f\u3220-\u3229\u3280-\u3289\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u207a\u207b\u2080-\u2089\u00bc-\u00be\u2150-\u215e]"
    r"|(?<![A-Za-z\d])(?=[A-Z])(?:C|S|N|H|O|K|Na|Ca|Cl|Mn){1,3}[\d\u2080-\u2089]"
    r"|[∠∥⊥△∵∴∽≌∈∛→∩∪|]|(?<![A-Za-z\d.])\.(?=[A-Za-z]{2,4}(?![A-Za-z]))|(?<=[A-Za-z\d)²³])\s?[-−](?=\s?[A-Za-z\d(])|(?<=\d)\s?(?:…+|\.{3,6})\s?(?=\d)|(?<=[A-Z\d])[–—~～〜](?=[A-Z\d])|(?<=[A-Z])\.(?=\d)|:|[()]|(?<![A-Za-z\d])[a-z]/[a-z](?![A-Za-z\d])"
    r"|(?<![A-Za-z])(?=[TQqOo]_|T\^T|QAQ|orz|OTL)[A-Za-z]|(?=-_+-)-|[=×÷±≈≠≤≥&@%‰℃℉°√∞πα-ωΔΩΣ№㎡㎥㎏+#/*<>_^]|(?<=[A-Z])-(?=[A-Z](?![A-Za-z\d]))|(?<![A-Za-z\d][A-F])(?<=[A-F])-(?![A-Za-z\d-])|(?<=[\u4e00-\u9fff])[xX](?=\d)|(?<![A-Za-z])[hH]{3,}(?![A-Za-z])"
)


def spans(text: str) -> list[Span]:
    """See speech/readings/span.py; `text` as speech.readings.tags.clean gives it."""
    text, found, at = simplified(text), [], 0
    while maybe := _MAYBE.search(text, at):
        start = maybe.start()
        if not _BEGIN.match(text, start):
            at = start + 1
            continue
        span = next((span for rule in RULES if (span := rule(text, start))), None)
        if span is None:
            at = start + 1
            continue
        found.append(span)
        at = span.end
    found = with_english(text, found)
    return _with_erhua(text, found) if "儿" in text else found


def _with_erhua(text: str, found: list[Span]) -> list[Span]:
    taken = [(span.start, span.end) for span in found]
    loose = [
        Span(m.start(), m.end(), "erhua", ("儿", ""))
        if text[m.end() : m.end() + 1] != "啊"
        else Span(m.start(), m.end() + 1, "erhua", ("儿啊", "啊", "儿呀", "呀"))  # 哪儿啊 as 哪呀
        for m in ERHUA.finditer(text)
        if not any(start <= m.start() < end for start, end in taken)
    ]
    return sorted([*found, *loose], key=lambda span: span.start)
