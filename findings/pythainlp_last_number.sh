#!/usr/bin/env bash
# PyThaiNLP 5.4.0, text_to_num, meant to write a transcript's number words in digits (before a WER, say), loses the last word of a text where that
# is a number of one word, leaves tens, hundreds and millions without a digit before them, and finds digits in other words:
#     อยู่ชั้นห้า             อยู่ ชั้น                lives on floor five
#     รถเมล์สายแปด        รถเมล์ สาย            bus number eight
#     บวกสองเป็นสี่         บวก 2 เป็น             plus two makes four
#     ฉันอายุสิบปี          ฉัน อายุ สิบ ปี          ten: as it was; right: 10 (ยี่สิบเอ็ด is 21)
#     ฉันอายุสิบ            ฉัน อายุ                and at the end it is lost
#     ราคาร้อยบาท          ราคา ร้อย บาท          a hundred: as it was; right: 100 (ห้าร้อย is 500)
#     เก้าอี้ตัวนี้            9 อี้ ตัว นี้              this chair
#     ห้าง                 5 ง                    a department store
# Alone (ห้า) and of two words (ฉันมีห้าสิบ) the last number is right. So a transcript that names another floor than the text
# is without error. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pythainlp==5.4.0
PYTHAINLP_DATA="$folder" "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

from pythainlp.util import text_to_num

expected = {
    "อยู่ชั้นห้า": "อยู่ ชั้น",
    "อยู่ชั้นสาม": "อยู่ ชั้น",
    "รถเมล์สายแปด": "รถเมล์ สาย",
    "บวกสองเป็นสี่": "บวก 2 เป็น",
    "ฉันอายุสิบปี": "ฉัน อายุ สิบ ปี",
    "ฉันอายุสิบ": "ฉัน อายุ",
    "ราคาร้อยบาท": "ราคา ร้อย บาท",
    "ราคาห้าร้อยบาท": "ราคา 500 บาท",
    "ล้านคน": "ล้าน คน",
    "ยี่สิบเอ็ดคน": "21 คน",
    "เก้าอี้ตัวนี้": "9 อี้ ตัว นี้",
    "ห้าง": "5 ง",
    "ห้า": "5",
    "ฉันมีห้าสิบ": "ฉัน มี 50",
}
same = True
for text, words in expected.items():
    found = " ".join(text_to_num(text))
    print(f"{text}    {found}")
    same &= found == words
sys.exit(not same)
PYTHON
