"""Japanese numbers as they are read, in hiragana: whole numbers, decimals, digit by digit, and with their counters.

A counter changes its sound and the number's: 三本 さんぼん, 八歳 はっさい, 四時 よじ, 二十日 はつか. Classes of change, by the counter's
first sound, after the usual grammars of Japanese numerals:

    -   none                                            二枚, 三番
    k   い/ろ/は/じゅ/ひゃ + っ before k                    一個 いっこ, 六個 ろっこ
    g   as k, and さん + g                                三階 さんがい
    s   い/は/じゅ + っ before s, sh, t, ch                 一冊 いっさつ
    z   as s, and さん + z                                三足 さんぞく
    h   っ + p, さん + b                                   一本 いっぽん, 三本 さんぼん
    p   っ + p, さん + p                                   三分 さんぷん
    o   loan words: both ways, as people say either        一キロ いちきろ, いっきろ
"""

from functools import lru_cache
from itertools import product

_ONES = ("", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう")
_HUNDREDS = ("", "ひゃく", "にひゃく", "さんびゃく", "よんひゃく", "ごひゃく", "ろっぴゃく", "ななひゃく", "はっぴゃく", "きゅうひゃく")
_THOUSANDS = ("", "せん", "にせん", "さんぜん", "よんせん", "ごせん", "ろくせん", "ななせん", "はっせん", "きゅうせん")
MAGNITUDES = ((10**12, "ちょう"), (10**8, "おく"), (10**4, "まん"))
LARGEST = 10**16 - 1
ZEROS = ("ぜろ", "れい")

# The last digit on its own: other ways to say it where no counter decides.
_LOOSE = {4: ("よん", "し"), 7: ("なな", "しち"), 9: ("きゅう", "く")}
_VOICED = str.maketrans("かきくけこさしすせそはひふへほ", "がぎぐげござじずぜぞばびぶべぼ")
_HALF_VOICED = str.maketrans("はひふへほ", "ぱぴぷぺぽ")

_TABLE = """
本 ほん h|匹 ひき h|杯 はい h|票 ひょう h|品 ひん h|遍 へん h|編 へん h|篇 へん h|百 ひゃく h|俵 ひょう h
分 ふん p|泊 はく p|発 はつ p|拍 はく p|敗 はい p|版 はん p|班 はん p|犯 はん p|報 ほう p
個 こ k|箇 こ k|ヶ こ k|回 かい k|件 けん k|戸 こ k|曲 きょく k|局 きょく k|校 こう k|国 こく k|級 きゅう k|区 く -|句 く k|課 か k|巻 かん k
缶 かん k|館 かん k|期 き k|機 き k|基 き k|球 きゅう k|株 かぶ k|回転 かいてん k|カ月 かげつ k|カ所 かしょ k|カ国 かこく k|カ年 かねん k|カ条 かじょう k
カ国語 かこくご k|回戦 かいせん k|階 かい g|階建て かいだて k|軒 けん g|学期 がっき -|学年 がくねん -|脚 きゃく k|客 きゃく k|桁 けた w|件目 けんめ k
歳 さい s|才 さい s|冊 さつ s|章 しょう s|週 しゅう s|周 しゅう s|周年 しゅうねん s|勝 しょう s|世紀 せいき s|世帯 せたい s|席 せき s|戦 せん s|線 せん s|色 しょく s
社 しゃ s|種類 しゅるい s|種 しゅ s|試合 しあい o|点 てん s|通 つう s|丁 ちょう s|丁目 ちょうめ s|等 とう s|頭 とう s|棟 とう s|島 とう s|着 ちゃく s|隻 せき s
足 そく z|千 せん z|節 せつ s|首 しゅ s|升 しょう s|ターン たーん o|店舗 てんぽ s|店 てん s|艘 そう z|錠 じょう -|畳 じょう -|条 じょう -|乗 じょう -
枚 まい -|台 だい -|番 ばん -|番目 ばんめ -|番線 ばんせん -|番地 ばんち -|番街 ばんがい -|号 ごう -|号室 ごうしつ -|号車 ごうしゃ -|号線 ごうせん -|号店 ごうてん -
度 ど -|倍 ばい -|秒 びょう -|名 めい -|名様 めいさま -|部 ぶ -|行 ぎょう -|字 じ -|文字 もじ o|語 ご -|両 りょう -|輪 りん -|列 れつ -|例 れい -|話 わ -|問 もん -|門 もん -
面 めん -|段 だん -|段階 だんかい -|代 だい -|次 じ -|膳 ぜん -|位 い -|割 わり -|割引 わりびき -|票差 ひょうさ h|元 げん -|便 びん -|分野 ぶんや -|項目 こうもく k
項 こう k|曜 よう -|打席 だせき -|打 だ -|塁 るい -|安打 あんだ -|連勝 れんしょう -|連敗 れんぱい -|連休 れんきゅう -|泊目 はくめ p|票目 ひょうめ h|毛 もう -|歩 ほ h
袋 ふくろ w|箱 はこ w|皿 さら w|束 たば w|玉 たま w|粒 つぶ w|切れ きれ w|部屋 へや w|組 くみ w|口 くち w|山 やま w|筋 すじ w|通り とおり w|言 こと w|晩 ばん w|株目 かぶめ k|坪 つぼ w
角形 かっけい -|月号 がつごう m|級 きゅう k|強 きょう -|弱 じゃく -|画 かく k|拠点 きょてん k|丁 ちょう s|滴 てき s|投手 とうしゅ s|羽 わ b|年 ねん y|年生 ねんせい y|年間 ねんかん y
年代 ねんだい -|年度 ねんど y|年前 ねんまえ y|年後 ねんご y|年中 ねんじゅう y|年目 ねんめ y|年半 ねんはん y|年来 ねんらい y|周目 しゅうめ s|人 にん n|人前 にんまえ e|人目 にんめ n|人組 にんぐみ e
人部屋 にんべや e|人用 にんよう e|人様 にんさま e|人乗り にんのり e|日 にち d|日間 にちかん d|日目 にちめ d|日中 にちじゅう d|日前 にちまえ d|日後 にちご d|日付 にちづけ d|日半 にちはん d
月 がつ m|時 じ t|時間 じかん t|時半 じはん t|時間半 じかんはん t|時間目 じかんめ t|時台 じだい t|時過ぎ じすぎ t|時頃 じごろ t|時前 じまえ t|円 えん -|円玉 えんだま -|円札 えんさつ -
つ つ c|つ目 つめ c|つ星 つぼし c|ドル どる -|ユーロ ゆーろ -|ポンド ぽんど o|ウォン うぉん -|パーセント ぱーせんと o|キロ きろ o|か月 かげつ k
"""
# つ: ひとつ ... とお; n: people; d: days.
_C = {1: "ひと", 2: "ふた", 3: "みっ", 4: "よっ", 5: "いつ", 6: "むっ", 7: "なな", 8: "やっ", 9: "ここの"}
_D = {
    1: "ついたち", 2: "ふつか", 3: "みっか", 4: "よっか", 5: "いつか", 6: "むいか", 7: "なのか", 8: "ようか", 9: "ここのか",
    10: "とおか", 14: "じゅうよっか", 20: "はつか", 24: "にじゅうよっか",
}  # fmt: skip
COUNTERS: dict[str, tuple[str, str]] = {}
for _entry in _TABLE.replace("\n", "|").split("|"):
    if _entry:
        _sign, _kana, _class = _entry.split()
        COUNTERS[_sign] = (_kana, _class)


def whole(number: int) -> str:
    """A whole number of at most 16 digits, in its plainest reading.

    >>> whole(1234)
    'せんにひゃくさんじゅうよん'
    """
    if number == 0:
        return ZEROS[0]
    said = ""
    for size, name in MAGNITUDES:
        count, number = divmod(number, size)
        if count:
            said += _before_magnitude(_to_9999(count), name)
    return said + _to_9999(number)


def _to_9999(number: int) -> str:
    thousands, hundreds, tens = number // 1000, number // 100 % 10, number // 10 % 10
    ten = "" if not tens else ("" if tens == 1 else _ONES[tens]) + "じゅう"
    return _THOUSANDS[thousands] + _HUNDREDS[hundreds] + ten + _ONES[number % 10]


def _before_magnitude(count: str, name: str) -> str:
    if count.endswith("せん") and len(count) == 2:
        count = "いっせん"
    if name == "ちょう":
        for long, short in (("いち", "いっ"), ("はち", "はっ"), ("じゅう", "じゅっ")):
            if count.endswith(long):
                count = count[: -len(long)] + short
    return count + name


@lru_cache(maxsize=16_384)
def read(number: int, counter: str = "") -> tuple[str, ...]:
    """A whole number (of at most 16 digits), alone or with a counter of COUNTERS or a word in katakana.

    >>> read(3, "本"), read(20, "日"), read(8, "歳")
    (('さんぼん',), ('はつか', 'にじゅうにち'), ('はっさい', 'はちさい'))
    """
    kana, kind = COUNTERS.get(counter, (counter, "o" if counter else ""))
    last = number % 10
    head = whole(number - last) if number > last else ""
    special = _special(number, kana, kind)
    forms = [head + digit + sound for digit, sound in _last(number, last, kana, kind)] if last else _round(number, kana, kind)
    if number % 10_000 // 1000 == 1 and number >= 1000 and not special:
        forms += [form.replace("せん", "いっせん", 1) for form in forms if form.startswith("せん")]
    return tuple(dict.fromkeys(special if kind == "c" and special else [*special, *forms]))


def _special(number: int, kana: str, kind: str) -> list[str]:
    if kind == "c" and number <= 10:
        return [_C[number] + kana if number < 10 else "とお" + kana[1:]] if number else []
    if kind == "d" and number in _D:
        rest = kana[2:]
        if rest and number == 1:
            return []
        return [_D[number] + rest] + ([_D[number] + "ちゅう"] if rest == "じゅう" else [])
    if kind in "ne" and kind and number in (1, 2):
        said = ("ひとり", "ふたり")[number - 1] + kana[2:]
        return [said] if kind == "n" else [f"{(None, 'いち', 'に')[number]}{kana}", said]
    if kana == "さい" and number == 20:
        return ["はたち"]
    if kind == "w" and number in (1, 2):
        return [("ひと", "ふた")[number - 1] + kana]
    return []


def _last(number: int, last: int, kana: str, kind: str) -> list[tuple[str, str]]:
    """Ways to say the last digit with the counter."""
    plain = _ONES[last]
    if not kind:
        return [(digit, "") for digit in _LOOSE.get(last, (plain,))]
    exact = {
        "t": {4: ("よ",), 7: ("しち", "なな"), 9: ("く",)},
        "m": {4: ("し",), 7: ("しち", "なな"), 9: ("く",)},
        "y": {4: ("よ",), 7: ("なな", "しち"), 9: ("きゅう", "く")},
        "n": {4: ("よ",), 7: ("しち", "なな"), 9: ("きゅう", "く")},
        "e": {4: ("よ",), 7: ("しち", "なな"), 9: ("きゅう", "く")},
        "d": {4: ("よん",), 7: ("しち", "なな"), 9: ("く", "きゅう")},
    }.get(kind, {7: ("なな", "しち"), 4: ("よん", "よ") if kana.startswith(("えん", "じょう")) else ("よん",)})
    short = {1: "いっ", 6: "ろっ", 8: "はっ"}.get(last)
    voiced, half = kana[0].translate(_VOICED) + kana[1:], kana[0].translate(_HALF_VOICED) + kana[1:]
    if kind == "b":  # 羽
        return {3: [("さん", "わ"), ("さん", "ば")], 6: [("ろく", "わ"), ("ろっ", "ぱ")], 8: [("はち", "わ"), ("はっ", "ぱ")]}.get(
            last, [(plain, kana)]
        )
    if last == 3 and kind in "gzhp":
        return {"g": [("さん", voiced), ("さん", kana)], "z": [("さん", voiced), ("さん", kana)], "h": [("さん", voiced)]}.get(
            kind, [("さん", half)]
        )
    if last == 4 and kind == "p":
        return [("よん", half), ("よん", kana)]
    if short and kind in "hp":
        return [(short, half)] + ([("はち", kana)] if last == 8 else [])
    if short and (kind in "kg" or (kind in "sz" and last != 6)):
        return [(short, kana)] + ([("はち", kana)] if last == 8 else [])
    if kind == "o" and short and _can_double(kana):
        return [(plain, kana), (short, half if kana[0] in "はひふへほ" else kana)]
    return [(digit, kana) for digit in exact.get(last, (plain,))]


def _can_double(word: str) -> bool:
    return word[0] in "かきくけこさしすせそたちつてとぱぴぷぺぽカキクケコサシスセソタチツテトパピプペポ"


def _round(number: int, kana: str, kind: str) -> list[str]:
    """A number that ends in 0, with its counter."""
    if number == 0:
        return [zero + kana for zero in ZEROS]
    said = whole(number)
    half, voiced = kana[:1].translate(_HALF_VOICED) + kana[1:], kana[:1].translate(_VOICED) + kana[1:]
    sound = half if kind in ("h", "p") else kana
    doubles = kind in tuple("kgszhp") or (kind == "o" and _can_double(kana))
    if kind == "b" and said.endswith("じゅう"):
        return [said + "わ", said[:-2] + "ゅっぱ", said[:-3] + "じっぱ"]
    if said.endswith("じゅう") and doubles:
        return [said[:-1] + "っ" + sound, said[:-3] + "じっ" + sound] + ([said + kana] if kind == "o" else [])
    if said.endswith(("ひゃく", "びゃく", "ぴゃく")) and doubles:
        short = said[:-1] + "っ" + sound
        return {"k": [short], "g": [short], "h": [short], "p": [short], "o": [said + kana, short]}.get(kind, [said + kana])
    if kind == "h" and said.endswith(("せん", "ぜん", "まん")):
        return [said + voiced]
    if kind == "p" and said.endswith(("せん", "ぜん", "まん")):
        return [said + half]
    return [said + kana]


def digits(number: str) -> tuple[str, ...]:
    """Digit by digit; 0 is ぜろ, れい or まる all along.

    >>> digits("103")
    ('いちぜろさん', 'いちれいさん', 'いちまるさん')
    """
    zeros = (*ZEROS, "まる") if "0" in number else ZEROS[:1]
    return tuple("".join(_ONES[int(digit)] or zero for digit in number) for zero in zeros)


def decimal(whole_part: str, fraction: str, counter: str = "", magnitude: str = "") -> tuple[str, ...]:
    """A decimal: 2.5倍 にてんごばい, 0.8 れいてんはち, 3.5億 さんてんごおく.

    Args:
        magnitude: まん, おく or ちょう, said between the number and its counter.
    """
    number = int(whole_part)
    heads = [form for form in read(number, "点") if not form.startswith("はち")] if number else [zero + "てん" for zero in ZEROS]
    if number % 10 == 8 and number < 10:
        heads.append("はちてん")
    tails = digits(fraction)[:2]
    after = [""]
    if magnitude:
        after = [magnitude + (COUNTERS.get(counter, (counter,))[0])]
        return tuple(dict.fromkeys(head + tail + end for head, tail, end in product(heads, tails, after)))
    if counter:
        cut = len(whole(int(fraction[-1])))
        ends = [form for form in read(int(fraction[-1]), counter)][:4]
        if COUNTERS.get(counter, ("", ""))[1] in ("c", "d", "n", "w"):
            ends = [whole(int(fraction[-1])) + COUNTERS[counter][0]]
        bodies = [tail[:-cut] if fraction[-1] != "0" else tail[:-2] for tail in tails]
        return tuple(dict.fromkeys(head + body + end for head, body, end in product(heads, bodies, ends)))
    return tuple(dict.fromkeys(head + tail for head, tail in product(heads, tails)))
