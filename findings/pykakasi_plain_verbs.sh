#!/usr/bin/env bash
# pykakasi 2.3.0, which writes Japanese in kana or romaji, reads everyday words as nobody says them, some of them verbs that it has right in another
# form or in a compound:
#     今年の夏       こんねんのなつ        right: ことし         (今日 きょう and 毎年 are right)
#     手で触る       てでふる              right: さわる         触った さわった is right
#     汽車が通る     きしゃがとうる        right: とおる         and 通り とうり; 大通り おおどおり is right
#     色が重なる     いろがおもなる        right: かさなる       重ねる かさねる is right
#     優れた         まされた              right: すぐれた
#     細い道         こまいみち            right: ほそい
#     人が多い       にんがおおい          right: ひと
#     可愛い         かわい                right: かわいい       one vowel short
#     占う           せんう                right: うらなう
# None of these hangs on what is meant. So its kana are not enough to compare a transcript with a text, or to speak it.
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pykakasi==2.3.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import pykakasi

expected = {
    "今年の夏": "こんねんのなつ",
    "今日": "きょう",
    "毎年": "まいとし",
    "手で触る": "てでふる",
    "触った": "さわった",
    "汽車が通る": "きしゃがとうる",
    "通り": "とうり",
    "大通り": "おおどおり",
    "色が重なる": "いろがおもなる",
    "重ねる": "かさねる",
    "優れた": "まされた",
    "細い道": "こまいみち",
    "人が多い": "にんがおおい",
    "可愛い": "かわい",
    "占う": "せんう",
}
kakasi = pykakasi.kakasi()
same = True
for text, kana in expected.items():
    found = "".join(part["hira"] for part in kakasi.convert(text))
    print(text, found)
    same &= found == kana
sys.exit(not same)
PYTHON
