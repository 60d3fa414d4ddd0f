"""Korean numbers in words: Sino-Korean (이십오), native (스물다섯, before a counter 스물다섯, 한 두 세 네 스무), decimals, digit by digit;
and which of the two a counter takes.
"""

from functools import lru_cache

LARGEST = 10**16 - 1
DIGITS = "영일이삼사오육칠팔구"
_NATIVE_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_BEFORE = {"하나": "한", "둘": "두", "셋": "세", "넷": "네"}
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
# Native words only, up to 99 (what is counted by them is counted so); the number from which Sino-Korean words are said as well.
_NATIVE = {
    11: "명 개 마리 잔 사람 가지 송이 병 그릇 군데 곳 장 대 켤레 벌 채 자루 그루 쌍 척 통 판 조각 모금 컵 봉지 상자 줄 포기 바퀴 끼 차례 골 사발 접시 토막 다발 꾸러미 방울 숟가락 큰술 작은술 "
    "스푼 알 뭉치 단 갑 모 마디 걸음 발짝 손 채널 글자 마을 나라 도시 친구 식구 아이 남매 형제 자매 시간 개비 팩 박스 캔 편 곡 스쿱 줌 폭 필 발 문제 과목 종류 번째 판째 개째 살배기",
    3: "배 권 번 주 표 건 점 세트 팀 경기 게임 가구 자리 쪽 군 부 평 차례 집 테이블 라운드 홀 타석 안타 분기",
    100: "살 달 해 돌 살짜리 시간째 달째",
    13: "시",
}  # fmt: skip
# Sino-Korean words only.
_SINO = (
    "년 월 일 분 초 원 달러 유로 엔 위안 파운드 층 호 호선 호실 호기 학년 학기 반 세 세대 도 퍼센트 프로 포인트 주년 주일 주차 주째 개월 개국 개소 개년 개조 인 인분 인승 인실 박 회 회차 차 차전 차원 차선 위 등 급 세기 년대 년도 년생 월호 일간 일째 "
    "일차 분간 분짜리 초간 조 항 절 과 번지 번길 번지수 동 기 세트스코어 킬로 킬로그램 킬로미터 미터 센티미터 센티 밀리미터 밀리리터 리터 그램 톤 와트 볼트 헤르츠 기가 기가바이트 메가 메가바이트 테라 바이트 칼로리 킬로칼로리 인치 루타 이닝 승 패 무 무승부 연승 연패 득점 실점 타점 점대 "
    "실 관 면 단계 단원 단지 교시 학점 배속 배럴 헥타르 제곱미터 평방미터 세제곱미터 마력 마일 노트 데시벨 픽셀 화 집 부작 막 악장 절기 남 녀 형 식 번선 번출구 번홈 구역 지구 지역구 사단 연대 대대 중대 소대"
).split()
_BOTH = "쪽 페이지 장 편 부 집 대 타 주 평 점 표 건 가구 팀 번 배 권 회".split()
COUNTERS: dict[str, int] = {word: 10**9 for word in _SINO}  # 0: both always; n: native only below n, then both
for _from, _words in _NATIVE.items():
    COUNTERS |= {word: _from for word in _words.split()}
COUNTERS |= {word: 0 for word in "쪽 페이지 장면 편 부 번 주 표 평 점 건 타 가구".split()}
COUNTERS["집"] = 0


def sino(number: int) -> str:
    """Sino-Korean words of a whole number of at most 16 digits.

    >>> sino(1988), sino(10000), sino(350_000_000)
    ('천구백팔십팔', '만', '삼억 오천만')
    """
    if number == 0:
        return "영"
    parts = []
    for size, name in ((10**12, "조"), (10**8, "억"), (10**4, "만"), (1, "")):
        count, number = divmod(number, size)
        if count:
            parts.append(("" if count == 1 and name == "만" and not parts else _to_9999(count)) + name)
    return " ".join(parts)


def _to_9999(number: int) -> str:
    said = ""
    for size, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            said += ("" if digit == 1 and name else DIGITS[digit]) + name
    return said


def sino_ways(number: int) -> list[str]:
    """With 일 before 만, 천, 백 as it is said too."""
    said = sino(number)
    ways = [said]
    if said[0] in "만천백":
        ways.append("일" + said)
    return ways


def native(number: int, counted: bool = True) -> list[str]:
    """Native words of 1 to 99, before a counter (한, 두, 세, 네, 스무) or alone; hundreds before them are Sino-Korean."""
    high, low = number - number % 100, number % 100
    tens, ones = _NATIVE_TENS[low // 10], _NATIVE_ONES[low % 10]
    if counted:
        ones = _BEFORE.get(ones, ones)
        tens = "스무" if low == 20 else tens
    return [(sino(high) if high else "") + tens + ones] if low else [sino(number)]


@lru_cache(maxsize=16_384)
def read(number: int, counter: str = "") -> tuple[str, ...]:
    """A whole number and its counter ("" for none): 25명 스물다섯 명, 이십오 명; 3시 세 시; 6월 유월.

    >>> read(3, "시"), read(25, "명"), read(6, "월"), read(1, "번째")
    (('세 시',), ('스물다섯 명', '이십오 명'), ('유월',), ('첫 번째',))
    """
    if counter in ("번째", "판째", "개째") and number == 1:
        return (f"첫 {counter}",)
    if counter == "월" and number in (6, 10):
        return ("유월",) if number == 6 else ("시월",)
    if not counter:
        return tuple(sino_ways(number))
    native_below = COUNTERS.get(counter, 0)
    sino_said = [f"{way} {counter}" for way in sino_ways(number)]
    if native_below == 10**9 or number == 0 or number >= 1000:
        return tuple(sino_said)
    ways = [f"{way} {counter}" for way in native(number)]
    if counter in ("달", "장", "대") and number % 10 in (3, 4) and number < 10:
        ways.append(f"{'석' if number == 3 else '넉'} {counter}")
    if counter == "대" and number % 10 == 0 and number >= 10:
        return (*sino_said, *ways)
    if number < native_below or (native_below == 3 and number < 3):
        return tuple(ways)
    if native_below in (0, 3) or number >= 100 or counter == "시":
        return (*sino_said, *ways) if native_below == 0 or number >= 100 or counter == "시" else (*ways, *sino_said)
    return (*ways, *sino_said)


def digits(number: str) -> tuple[str, ...]:
    """Digit by digit, 0 as 공 or as 영.

    >>> digits("010")
    ('공일공', '영일영')
    """
    said = "".join(DIGITS[int(digit)] for digit in number)
    return (said.replace("영", "공"), said) if "0" in number else (said,)


def decimal(whole: int, fraction: str) -> list[str]:
    """이 점 칠; 0 as 영 or 공."""
    tails = digits(fraction)[::-1]
    heads = sino_ways(whole) if whole else ["영", "공"]
    return [f"{head} 점 {tail}" for head in heads for tail in tails]


# 3~4명: 서너 명. By the first of the two numbers.
ABOUT = {
    1: ("한두",), 2: ("두세", "두서너"), 3: ("서너", "세네"), 4: ("네다섯", "너댓"), 5: ("대여섯", "다섯여섯"), 6: ("예닐곱", "여섯일곱"),
    7: ("일고여덟", "일곱여덟"), 8: ("여덟아홉", "엳아홉"), 9: ("아홉열",),
}  # fmt: skip
