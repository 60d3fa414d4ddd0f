#!/usr/bin/env bash
# cn2an 0.5.24, transform(text, "an2cn"), by which front ends of Mandarin TTS (misaki 0.9.4's, for one) write numbers in characters, takes a hyphen before a
# digit for a minus, and two to four digits before 年 for the name of a year:
#     9-17点           九负十七点               nine minus seventeen o'clock; right: 九到十七点 (100-200米 is right)
#     新冠COVID-19     新冠COVID负十九
#     3-0获胜          三负零获胜               won three minus nought
#     12%-15%          百分之十二百分之负十五     12 to minus 15 per cent
#     2021-05-03       二千零二十一负五负三
#     2023-2024年      二千零二十三-二零二四年    two ways to say a year in one range
#     30年             三零年                   thirty years; right: 三十年, and 一百年 for 100年 (一零零年)
# and it knows no comma in a number: 1,000,000人 is 一,零,零人, one, nought, nought. Nothing is raised. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q cn2an==0.5.24
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import cn2an

warnings.simplefilter("error")  # none is given
expected = {
    "9-17点": "九负十七点",
    "100-200米": "一百到二百米",
    "新冠COVID-19": "新冠COVID负十九",
    "3-0获胜": "三负零获胜",
    "12%-15%": "百分之十二百分之负十五",
    "2021-05-03": "二千零二十一负五负三",
    "2023-2024年": "二千零二十三-二零二四年",
    "30年": "三零年",
    "100年": "一零零年",
    "1,000,000人": "一,零,零人",
}
same = True
for text, written in expected.items():
    found = cn2an.transform(text, "an2cn")
    print(text, found)
    same &= found == written
sys.exit(not same)
PYTHON
