"""Letters, units and signs as Japanese says them, in kana."""

from itertools import product

# In katakana, with the other way to say it where there are two.
_NAMES = """
    エー ビー シー ディー イー エフ ジー エイチ アイ ジェー ケー エル エム エヌ オー ピー キュー アール エス ティー
    ユー ブイ ダブリュー エックス ワイ ゼット
"""
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", _NAMES.split(), strict=True))
_ALSO = {"h": "エッチ", "v": "ヴィー", "z": "ズィー", "t": "テー", "d": "デー", "w": "ダブル"}

UNITS = {
    "kg": "キログラム キロ", "g": "グラム", "mg": "ミリグラム", "t": "トン", "km": "キロメートル キロ",
    "m": "メートル", "cm": "センチメートル センチ", "mm": "ミリメートル ミリ", "nm": "ナノメートル",
    "μm": "マイクロメートル", "ml": "ミリリットル", "l": "リットル", "dl": "デシリットル", "kl": "キロリットル",
    "cc": "シーシー", "m2": "ヘーホーメートル", "m²": "ヘーホーメートル", "㎡": "ヘーホーメートル",
    "km2": "ヘーホーキロメートル", "km²": "ヘーホーキロメートル", "㎢": "ヘーホーキロメートル",
    "cm²": "ヘーホーセンチメートル", "m3": "リッポーメートル", "m³": "リッポーメートル", "㎥": "リッポーメートル",
    "cm³": "リッポーセンチメートル", "km/h": "キロメートルマイジ キロメートルパーアワー キロ",
    "m/s": "メートルマイビョー メートルパーセカンド メートル", "kb": "キロバイト", "mb": "メガバイト メガ",
    "gb": "ギガバイト ギガ", "tb": "テラバイト テラ", "kbps": "キロビーピーエス",
    "mbps": "メガビーピーエス メガビットパーセカンド", "gbps": "ギガビーピーエス", "w": "ワット", "kw": "キロワット",
    "kwh": "キロワットジ キロワットアワー", "mw": "メガワット", "v": "ボルト", "a": "アンペア",
    "mah": "ミリアンペアアワー ミリアンペアジ", "hz": "ヘルツ", "khz": "キロヘルツ", "mhz": "メガヘルツ",
    "ghz": "ギガヘルツ", "db": "デシベル", "ha": "ヘクタール", "hpa": "ヘクトパスカル", "cal": "カロリー",
    "kcal": "キロカロリー", "rpm": "アールピーエム", "ppm": "ピーピーエム", "px": "ピクセル", "dpi": "ディーピーアイ",
    "fps": "エフピーエス", "kpa": "キロパスカル", "%": "パーセント", "‰": "パーミル", "℃": "ド", "°c": "ド",
    "°": "ド", "℉": "ド カシド", "°f": "ド カシド", "円": "えん", "㎏": "キログラム キロ", "㎞": "キロメートル キロ",
    "㎝": "センチメートル センチ", "㎜": "ミリメートル ミリ", "㍑": "リットル", "㏄": "シーシー", "㎎": "ミリグラム",
    "ℓ": "リットル", "㎖": "ミリリットル",
}  # fmt: skip
MONEY = {
    "¥": "円",
    "$": "ドル",
    "€": "ユーロ",
    "£": "ポンド",
    "₩": "ウォン",
    "฿": "バーツ",
    "₹": "ルピー",
}  # counters of ja_numbers, or words
# Alone, between words or numbers; "" where it may be left out.
SIGNS = {
    "%": ("パーセント",), "‰": ("パーミル",), "℃": ("ド",), "°": ("ド",), "&": ("アンド", "アンパサンド", "エン"),
    "＆": ("アンド",), "@": ("アットマーク", "アット"), "#": ("シャープ", "ハッシュタグ", "ナンバー"),
    "♯": ("シャープ",), "♭": ("フラット",), "+": ("プラス", "たす"), "=": ("イコール", "は", "わ"),
    "×": ("かける", "バツ", "カケ"), "÷": ("わる",), "±": ("プラスマイナス",), "≒": ("ニアリーイコール", "やく"),
    "<": ("しょうなり",), ">": ("だいなり",), "≦": ("いか", "しょうなりイコール"),
    "≧": ("いじょう", "だいなりイコール"), "$": ("ドル",), "¥": ("えん",), "€": ("ユーロ",), "£": ("ポンド",),
    "〒": ("ゆうびんばんごう", ""), "※": ("こめじるし", "", "こめ"), "§": ("セクション",), "∞": ("むげんだい",),
    "√": ("ルート",), "π": ("パイ",), "№": ("ナンバー",), "㈱": ("かぶしきがいしゃ", "かっこかぶ"),
    "㍿": ("かぶしきがいしゃ",), "㈲": ("ゆうげんがいしゃ",), "℡": ("でんわ", "テル"), "α": ("アルファ",),
    "β": ("ベータ",), "γ": ("ガンマ",), "Ω": ("オーム", "オメガ"), "μ": ("ミュー", "マイクロ"),
}  # fmt: skip
BETWEEN_LETTERS = {
    ".": ("ドット", "テン"),
    "-": ("ハイフン", "", "の"),
    "_": ("アンダーバー", "アンダースコア"),
    "/": ("スラッシュ", ""),
    ":": ("コロン",),
}
# Numbers as parts of names: 5G, 3D, MP3, iPhone 15.
_ENGLISH = """
    ゼロ ワン ツー スリー フォー ファイブ シックス セブン エイト ナイン テン イレブン トゥエルブ サーティーン
    フォーティーン フィフティーン シックスティーン セブンティーン エイティーン ナインティーン
"""
ENGLISH = _ENGLISH.split()
# Names and words that Japanese texts have in Latin letters and Sudachi's dictionary lacks.
_LOAN_WORDS = """
    mr=ミスター mrs=ミセス ms=ミズ dr=ドクター fifa=フィファ nato=ナトー nasa=ナサ k-pop=ケーポップ gps=ジーピーエス
    iphone=アイフォン|アイフォーン ipad=アイパッド wi-fi=ワイファイ wifi=ワイファイ python=パイソン
    youtube=ユーチューブ google=グーグル amazon=アマゾン apple=アップル twitter=ツイッター|トゥイッター
    instagram=インスタグラム facebook=フェイスブック netflix=ネットフリックス line=ライン bluetooth=ブルートゥース
    excel=エクセル word=ワード zoom=ズーム chatgpt=チャットジーピーティー gmail=ジーメール android=アンドロイド
    mac=マック windows=ウィンドウズ linux=リナックス java=ジャバ javascript=ジャバスクリプト github=ギットハブ
    ok=オーケー|オッケー no=ノー|ナンバー yes=イエス e-mail=イーメール email=イーメール web=ウェブ blog=ブログ
    app=アプリ|アップ info=インフォ com=コム www=ダブリューダブリューダブリュー tiktok=ティックトック
    paypay=ペイペイ suica=スイカ pasmo=パスモ switch=スイッチ pro=プロ max=マックス mini=ミニ plus=プラス
    x=エックス vs=バーサス|たい|ブイエス t-shirt=ティーシャツ cm=シーエム ios=アイオーエス macos=マックオーエス
    covid=コビッド|コヴィッド ev=イーブイ sns=エスエヌエス pdf=ピーディーエフ live=ライブ hello=ハロー the=ザ
    and=アンド of=オブ
"""
LOAN_WORDS = dict(entry.split("=") for entry in _LOAN_WORDS.split())


def spelled(letters: str) -> tuple[str, ...]:
    """Letters by their names, at most 8 ways.

    >>> spelled("NHK")
    ('エヌエイチケー', 'エヌエッチケー')
    """
    ways = [(LETTERS[c], _ALSO[c]) if c in _ALSO else (LETTERS[c],) for c in letters.lower()]
    doubles = 0
    for place, way in enumerate(ways):
        doubles += len(way) > 1
        if doubles > 3:
            ways[place] = way[:1]
    return tuple("".join(way) for way in product(*ways))
