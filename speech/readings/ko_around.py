"""What stands around a Korean counter and decides which numbers it takes."""

import re

from speech.readings.ko_numbers import native, sino_ways

_LASTING = re.compile(" ?(?:연속|만에|동안|내내|째|이상|넘게)")  # 세 분기 연속; a quarter of a year is 일 분기
_BUNDLED = re.compile(
    "(?:파|시금치|부추|배추|열무|무|미나리|나물|쑥갓|아욱|근대|상추|짚|꽃|장작|땔감)[을를은는이가도]? ?$"
)
_TIMES_BEFORE = re.compile(
    "(?:하루|이틀|매일|(?:하루|주일|일주|주|달|개월|년|해|시간|분|날)에"
    "|(?<![가-힣])(?:더|또|다시|총|모두|무려|딱|단|최소|최대|평균|적어도|겨우|벌써|고작)) ?$"
)
_EACH_TIME = re.compile(r"에 ?\d")  # 1번에 2알씩
_NAMED = re.compile(" ?(?:버스|출구|타자|선수|문제|홀|트랙|국도|게이트|승강장|창구|버튼|채널|척추|교향곡)")
_GREAT = re.compile(
    " ?(?:보험|강(?![가-힣])|강[이을은의]|그룹|과제|의혹|권역|법안|악재|요소|원칙|명절|종단|기업|은행|재벌|거래소|증권"
    "|핵심|주요|전략|목표|정책|공약|개혁|범죄|독자|천왕|총장|회장|대통령|국회|시장|도시|성인|비극|미션|리그"
    "|메이저|문명|영양소|궁)"
)
_NOUN_BEHIND = re.compile(" ?[가-힣]{2}")
_MACHINES = re.compile(
    "차|버스|택시|트럭|오토바이|자전거|컴퓨터|노트북|폰|전화|기계|카메라|비행기|헬기|전투기|에어컨|티비|TV"
)


def numbers(text: str, start: int, end: int, number: int, counter: str) -> list[str] | None:
    """Ways to say the number of text[start:end], which has this counter, where its neighbours decide; None elsewhere:
    1분기 일, 4대 보험 사, 하루 3번 세, 시금치 2단 두."""
    if not 0 < number < 100:
        return None
    before = text[max(0, start - 12) : start]
    if counter == "분기":
        lasts = bool(_LASTING.match(text, end))
        return [*native(number) * lasts, *sino_ways(number)]
    if counter == "단":
        return [*native(number), *sino_ways(number)] if _BUNDLED.search(before) else sino_ways(number)
    times = _TIMES_BEFORE.search(before) or _EACH_TIME.match(text, end)
    if counter == "번" and times and not _NAMED.match(text, end):
        return native(number)
    if counter == "대" and number < 10:
        if _GREAT.match(text, end):
            return sino_ways(number)
        if _NOUN_BEHIND.match(text, end) and not _MACHINES.search(before):
            return [*native(number), *sino_ways(number)]
    return None
