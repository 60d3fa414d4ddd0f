"""A whole number by what stands around it: as a number, digit by digit, as a year."""

import re
from functools import lru_cache

from speech.readings.zh.numbers import by_digit, cardinals, shortened
from speech.readings.zh.tables import DESIGNATED, DIGITS_TOO, ER, LIANG, MEASURES, NAMED, SPOKEN_BY_DIGIT

_SUM = re.compile("(?:租金?|工资|月薪|底薪|房租|学费|奖金|押金|补贴|[价卖售花])$")
_PETROL = frozenset(("89", "92", "93", "95", "97", "98"))
_FILLED = re.compile("加(?:满|了|的|点|个)*$")  # 加95
_PARALLEL = re.compile("线(?![索程下上])|大盖|军")  # 38线
_MODEL = re.compile("式(?!样|微|中|西|各|子)")  # 95式
_WEAPON = re.compile(
    "式(?:半?自动|[轻重]|通用|微声|主战|中型|轮式|履带|水陆|远程)*(?:[步手机冲狙刺]|坦克|装甲|火箭|榴弹|迫击|[战轰]|军[刀装服])"
)
_STEPS = re.compile("太极|瑜伽|[拳剑扇棍操功]")  # 24式太极拳: a count
_PRODUCT = re.compile("胶(?!囊)|不锈钢|不銹钢|软件|安全卫士|杀毒|浏览器|银(?![行元两])|纯银")  # 502胶, 304不锈钢, 925银
_AIRCRAFT = re.compile("(?:波音|空客)-?$")
_LASTED = re.compile(r"年(?:之久|历史|间的)")
_SINCE = re.compile(r"年(?:前(?!后)|来(?![到自华京回过])|以来|的历史)")
_FOR = re.compile("(?:距今|大约|约|近|有|达|长达|超|超过|这|那|过去)$")  # 约1949年前: a count
_SHARED = re.compile("开(?![一-鿿])|开[的了吧呢分都也就最]|分[成账]")  # 28开, 37分成
_INSTITUTION = re.compile("医院|部队|计划|艺术区|工程|晚会|工作制|便利店|研究所|兵工厂|旧址")
_WORK, _COUNTED_UP = frozenset(["985", "996"]), re.compile("(?:分|共|计|约|达|有|了|第|是)$")
_UNIVERSITY, _TOTAL = re.compile("高校|院校|大学生"), re.compile("[共计约达近超]$")  # 共125高校: a count
_HOTLINE = re.compile("投诉|热线|客服|举报")
_ER_BEHIND = re.compile(
    "次(?:方|函数|元|型)|项式|把手(?![枪电术锯])|进制|元(?:论|[一二三1-3]次(?:方程|函数|不等|多项))|极管|氧化|硫化|胡(?![同子])|锅头"
    "|郎神|叉树|面角|分法|值化|尖瓣|货(?![车架物运])|维码|师兄(?!弟)|师姐(?!妹)|奶(?![牛粉茶瓶])|愣子|甲双胍|恶英|房东|当家"
    "|人转(?![院账危移身机学车岗正运送])|重[奏唱]|踢脚|阶(?![段台楼])|手(?:房|车|货|书|市场|平台|烟)"
)  # 二极管, 二次方
_CASE = re.compile(r"[民刑行执赔破]\S?[初终再申监]$")  # 京0105民初12345号
_DOCUMENT = re.compile(r"[〕\]]\s?第?\d+\s?号")  # 国发〔2024〕3号
DASHED = re.compile(rf"(?:{'|'.join(DESIGNATED)})[-–]$|(?<![全围聚])歼$")  # without the dash 大米20斤, 江苏13市
_YEAR_BEHIND = ("公元", "公元前", "(", "于", "自", "从", "至", "到", "-", "—", "–", "~")


@lru_cache(maxsize=4096)
def english(digits: str) -> tuple[str, ...]:
    """English words of a number that stands at a Latin word (A4, iPhone 15)."""
    from num2words import num2words  # slow to import

    words = num2words(int(digits)).replace("-", " ").replace(" and ", " ").replace(",", "")
    each = " ".join(num2words(int(digit)) for digit in digits)
    return tuple(dict.fromkeys((words, each)))


def whole(text: str, start: int, end: int, digits: str) -> tuple[list[str], str]:
    """Ways to read a whole number by what stands around it, and the kind of span it is."""
    ways, kind = _chinese(text, start, end, digits)
    before = text[max(0, start - 6) : start].rstrip()
    if before[-1:] in ("×", "*") if digits == "2" else DASHED.search(before):
        ways = [*ways, by_digit(digits)]  # 2.5L×2瓶, 歼-20
    if digits in SPOKEN_BY_DIGIT and text[:start].endswith(("分", "共", "计", "约", "达")):  # 满分120
        ways, kind = cardinals(digits), "cardinal"
    if kind == "cardinal" and len(digits) >= 3 and not _counts(text, start, end):  # 总分750
        ways = [*ways, *shortened(digits)]
    if (
        re.fullmatch(r"(\d)\1", digits)
        and not _counts(text, start, end)
        and (not start or not text[start - 1].isalnum())
    ):
        ways = [by_digit(digits), *ways] if digits in ("88", "66") else [*ways, by_digit(digits)]  # 88，明天见
    if re.fullmatch("5{3,9}", digits) and not _counts(text, start, end):  # 555: tears
        ways = [*ways, "呜" * len(digits)]
    if len(digits) <= 4 and re.match("-?[A-Za-z]", text[end : end + 2]):  # 7-Eleven, 3M
        ways = [*ways, *english(digits), by_digit(digits)]  # 23H2, 88VIP
        ways = [by_digit(digits), *ways] if len(digits) >= 3 and text[end : end + 1] in ("P", "p") else ways  # 1080P
    return ways, kind


def said_by_digit(before: str, behind: str, digits: str) -> bool:
    """Whether digits are never a number: 301 of 301医院, 28 of 28开, 12315 of 12315热线, 996."""
    if len(digits) == 2:
        shares = int(digits[0]) + int(digits[1]) == 10 and digits != "64"  # 64开 is a size of paper
        return bool(shares and _SHARED.match(behind)) or bool(_WEAPON.match(behind))
    if digits in _WORK and not _COUNTED_UP.search(before) and behind[:1] not in MEASURES:
        return True
    if len(digits) == 3 and not digits.endswith("00"):
        named = _INSTITUTION.match(behind) or (digits == "211" and _UNIVERSITY.match(behind))
        return bool(named) and not _TOTAL.search(before)
    return len(digits) == 5 and bool(_HOTLINE.match(behind))


def named_by_digit(before: str, behind: str, digits: str) -> bool:
    """Whether digits are a name, said one by one: 84 of 84消毒液, 95 of 加95, 737 of 波音737."""
    if len(digits) == 2 and "0" not in digits:
        petrol = digits in _PETROL and (_FILLED.search(before) or re.match("号?(?:无铅)?(?:汽油|油|柴油)", behind))
        return bool(
            petrol or (digits == "84" and behind.startswith("消毒")) or (digits == "38" and _PARALLEL.match(behind))
        )
    if len(digits) != 3:
        return False
    return bool(_PRODUCT.match(behind) or (_AIRCRAFT.search(before) and behind[:1] not in ("架", "次")))


def _counts(text: str, start: int, end: int) -> bool:
    """Whether something that the number counts follows; nothing does behind 月租 and the like."""
    first = text[end : end + 8].lstrip()[:1]
    if _SUM.search(text, max(0, start - 4), start) and first and first not in MEASURES:
        return False
    return "\u4e00" <= first <= "\u9fff" or text[end : end + 1].isalnum()


def _chinese(text: str, start: int, end: int, digits: str) -> tuple[list[str], str]:
    before, behind = text[max(0, start - 8) : start].rstrip(), text[end : end + 8].lstrip()
    letter = before.rstrip("-–")[-1:]
    latin = letter.isascii() and letter.isalpha()
    if len(digits) == 4 and digits[:2] in ("19", "20") and _DOCUMENT.match(behind):
        return [by_digit(digits)], "year"
    if _CASE.search(before):
        return [by_digit(digits), *cardinals(digits)], "digits"
    first, ordinal = behind[:1], before.endswith(("第", "初", "周", "星期", "礼拜")) and not before.endswith("每周")
    if ordinal and len(digits) > 4 and before.endswith("第"):  # 第2024035期, 第12345号
        ways = [*cardinals(digits), by_digit(digits)]
        return ways if digits.endswith("00") or (first and first not in "期号") else ways[::-1], "ordinal"
    if ordinal:
        return cardinals(digits), "ordinal"
    if not latin and said_by_digit(before, behind, digits):
        return [by_digit(digits)], "digits"
    if not latin and named_by_digit(before, behind, digits):
        return [by_digit(digits), *cardinals(digits)], "digits"
    if not latin and len(digits) == 2 and _MODEL.match(behind):
        counted = _STEPS.search(before + behind)
        return [*cardinals(digits), by_digit(digits)] if counted else [by_digit(digits), *cardinals(digits)], "digits"
    if behind.startswith("年代") and len(digits) in (2, 4) and digits[-1] == "0":
        decade = by_digit(digits[:2]) + cardinals(digits[2:])[0] if len(digits) == 4 else cardinals(digits)[0]
        return [decade, by_digit(digits)], "year"
    if len(digits) == 4 and (first in "年届" if first else False) and (ways := _year(before, behind, digits)):
        return ways, "year"
    if len(digits) == 2 and (before.endswith(("'", "’", "‘")) or (first == "年" and digits[0] == "0")):  # '98, 08年
        return [by_digit(digits)], "year"
    if len(digits) == 2 and first == "年" and not before.endswith(("近", "约", "了", "过", "整", "共")):
        return [*cardinals(digits), by_digit(digits)], "year"
    if len(digits) == 2 and re.match("[级届](?:校友|学|同学|毕业|新生|本科|研究生)", behind):  # 78级校友
        return [by_digit(digits), *cardinals(digits)], "year"
    if re.match(r"(?:[、/和]\s?\d0)*[后後](?![面来悔背边])", behind) and len(digits) == 2:
        return [by_digit(digits), *cardinals(digits)], "year"
    if latin:
        apart = digits == "2" and text[start - 1] == " " and first and first in LIANG  # T-shirt 2件
        ways = (
            [*(["两"] if apart else []), *cardinals(digits), by_digit(digits)]
            if len(digits) < 3
            else [by_digit(digits), *cardinals(digits)]
        )
        if len(digits) > 2 and digits[0] == "0":  # xiaoming007: no zero is left out
            return [by_digit(digits), *(english(digits)[1:] if len(digits) <= 4 else ())], "letters"
        return [*ways, *(english(digits) if len(digits) <= 4 else ())], "letters"
    if len(digits) == 3 and first == "年" and before.endswith((*_YEAR_BEHIND, "民国")):  # 唐(618年-907年)
        return [*cardinals(digits), by_digit(digits)], "year"
    if len(digits) == 2 and first == "折" and digits[1] != "0":  # 75折
        return [by_digit(digits)], "cardinal"
    if len(digits) == 2 and re.search(r"\d\s?[米块尺秒]$", before):  # 1米82, 9秒83
        return [by_digit(digits), *cardinals(digits)], "cardinal"
    if digits[0] == "0" and len(digits) > 1:
        return [by_digit(digits), *(cardinals(digits) if len(digits) == 2 else [])], "digits"
    if before.endswith("转") and len(digits) >= 3 and (not first or not _counts(text, start, end)):  # 总机…转8016
        return [by_digit(digits), *cardinals(digits)], "phone"
    if behind.startswith("分机"):
        return [by_digit(digits), *cardinals(digits)], "phone"
    if len(digits) == 3 and behind.startswith(("国道", "省道", "县道")):
        return [by_digit(digits), *cardinals(digits)], "digits"
    measured = bool(first) and first in MEASURES and not (len(digits) >= 7 and first in "个打对")
    if behind.startswith("大") and not behind.startswith(("大学", "大院", "大厦")):  # 100大品牌
        return cardinals(digits, two_before(behind)), "cardinal"
    if first == "次" and (len(digits) > 4 or not re.match("次(?:列|航|特|动|高|班|普|快|直)", behind)):
        return cardinals(digits, two_before(behind)), "cardinal"
    if measured and not (first in DIGITS_TOO and len(digits) >= 3) and not (len(digits) == 11 and digits[0] == "1"):
        return cardinals(digits, two_before(behind)), "cardinal"
    if digits in SPOKEN_BY_DIGIT and before.endswith(("打", "拨")):  # never 打一百一十
        return [by_digit(digits)], "phone"
    if len(digits) >= 8 or (len(digits) >= 3 and any(name in before for name in NAMED)):
        return [by_digit(digits), *(cardinals(digits) if len(digits) < 7 else [])], "phone"
    if digits in SPOKEN_BY_DIGIT:
        return [by_digit(digits), *cardinals(digits)], "phone"
    if len(digits) == 4 and "1900" <= digits <= "2099" and first not in LIANG:
        return [by_digit(digits), *cardinals(digits)], "year"
    if len(digits) >= 3 and first and first in DIGITS_TOO:
        return [
            *([by_digit(digits)] if len(digits) > 3 or digits[1] == "0" else []),
            *cardinals(digits),
            by_digit(digits),
        ], "digits"
    if len(digits) >= 3 and (not first or not "\u4e00" <= first <= "\u9fff" or first not in MEASURES):
        return [*cardinals(digits, two_before(behind)), by_digit(digits)], "cardinal"
    return cardinals(digits, two_before(behind)), "cardinal"


def _year(before: str, behind: str, digits: str) -> list[str]:
    """A year of four digits, or none where it is years that are counted: 2000年历史, 距今1949年前."""
    since = _SINCE.match(behind)
    if _LASTED.match(behind) or (since and (not "1700" <= digits <= "2099" or _FOR.search(before))):
        return []
    if since and digits.endswith("00") and since[0] != "年以来":  # 2000年前: of either kind
        return [*cardinals(digits), by_digit(digits)]
    return [by_digit(digits), *(cardinals(digits) if "2000" <= digits <= "2009" or digits[1:] == "000" else [])]


def two_before(behind: str) -> tuple[str, ...]:
    """What a 2 alone is called before these words."""
    first = behind[:1]
    if (
        not first
        or not "\u4e00" <= first <= "\u9fff"
        or re.match(r"月|日|号|级|路|线(?!索)|年级|年代|单元|次元|[栋座幢排]\s?(?:\d|单元|[东西南北])", behind)
        or first in ER
        or _ER_BEHIND.match(behind)
    ):
        return ("二",)
    if re.match("环(?!节|境)|胎|孩|产(?!品|业)", behind):  # 二环, 二胎; also 打了两环, 生了两胎
        return ("二", "两")
    return ("两",) if first in LIANG else ("两", "二")
