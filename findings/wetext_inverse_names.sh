#!/usr/bin/env bash
# WeText's inverse normalisation (package wetext 0.1.8, operator "itn"), meant to write the numbers of a transcript in digits before a CER, writes
# digits into Japanese names and words, and takes an estimate for another number:
#     ja  千葉県に住む       1000葉県に住む         Chiba, a prefecture; so 千代田区, 八千代市, 五十嵐, 百合, 百貨店
#     ja  八百屋で買う       800屋で買う            a greengrocer
#     ja  二三日待つ         23日待つ               two or three days, now as 二十三日, the 23rd; so 五六人 and 五十六人
#     ja  百八十度変わる     180℃変わる            a turn, not a temperature
#     zh  他十一二岁         他11-2岁               eleven or twelve
#     zh  来了一两万人       来了一20000人          ten or twenty thousand
#     zh  几十个             几10个                 some tens (两三百, two or three hundred, is right: 200~300)
# So it must not touch a transcript alone, and even with the text beside it two different days become one. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q wetext==0.1.8
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from wetext import Normalizer

expected = {
    "ja": {
        "千葉県に住む": "1000葉県に住む",
        "千代田区": "1000代田区",
        "五十嵐さん": "50嵐さん",
        "八千代市": "8000代市",
        "百合": "100合",
        "百貨店": "100貨店",
        "八百屋で買う": "800屋で買う",
        "二三日待つ": "23日待つ",
        "二十三日待つ": "23日待つ",
        "五六人": "56人",
        "五十六人": "56人",
        "四五日": "45日",
        "百八十度変わる": "180℃変わる",
    },
    "zh": {
        "他十一二岁": "他11-2岁",
        "来了一两万人": "来了一20000人",
        "几十个": "几10个",
        "两三百": "200~300",
    },
}
same = True
for language, texts in expected.items():
    normalise = Normalizer(lang=language, operator="itn").normalize
    for text, digits in texts.items():
        found = normalise(text)
        print(f"{language}  {text}  {found}")
        same &= found == digits
sys.exit(not same)
PYTHON
