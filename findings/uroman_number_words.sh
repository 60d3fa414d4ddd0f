#!/usr/bin/env bash
# uroman 1.3.1.1, which writes any script in Latin letters (in front of the MMS aligner and of MMS's TTS), makes Chinese numerals digits also where
# they are part of a word or a name, and reads two numerals side by side as one number. With and without lcode="zho":
#     一起, 一定, 唯一     1qi, 1ding, wei1     together, certainly, only; 几, 两 and 万 alone are letters
#     星期一, 周三         xingqi1, zhou3       Monday, Wednesday
#     四川, 张三           4chuan, zhang3       Sichuan, a name
#     千葉, 六本木         1000ye, 6benmu       Chiba, Roppongi
#     万一, 千万           11000, 10000000      in case; by all means
#     二百五               205                  250, as its own page reads 三万一: 31000
# (That numbers become digits its page says.) The aligners that stand behind it know a to z and the apostrophe, and make a blank of the rest: qi, ding
# and wei are left of the first line, nothing of the last two, so that a syllable which is said has no place of its own, and its neighbours get
# its time. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q uroman==1.3.1.1 regex==2026.11.19
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import uroman

expected = {
    "一起": "1qi",
    "一定": "1ding",
    "唯一": "wei1",
    "几": "ji",
    "两": "liang",
    "万": "wan",
    "星期一": "xingqi1",
    "周三": "zhou3",
    "四川": "4chuan",
    "张三": "zhang3",
    "千葉": "1000ye",
    "六本木": "6benmu",
    "万一": "11000",
    "千万": "10000000",
    "二百五": "205",
    "三万一": "31000",
}
roman = uroman.Uroman()
wrong = []
for text, written in expected.items():
    found = [roman.romanize_string(text), roman.romanize_string(text, lcode="zho")]
    print(text, *found)
    wrong += [text] * (found != [written, written])
sys.exit(bool(wrong))
PYTHON
