#!/usr/bin/env bash
# indic-nlp-library 0.92, UnicodeIndicTransliterator, which writes one Indian script in another (one front end for several languages): where the
# other script has no such letter, a code point comes out to which Unicode assigns nothing, and nothing is raised. Everyday words:
#     hi -> bn   सेवा, वह         U+09B5 for every व (Bengali writes it ব), ऑफिस: U+0991
#     hi -> ta   हाँ, फ़ोन          U+0B81, U+0BBC; कृपा: U+0BC3, ऑफिस: U+0B91
#     hi -> pa   वर्षा, कृष्ण        U+0A37, U+0A43
#     te -> bn   ఒక, ఎలా         U+0992, U+098E
#     ta -> bn   எழு              U+098E, U+09B4
#     ml -> hi   അവൻ             the last letter stays Malayalam (U+0D7B)
# नाम to pa, कमल to bn and மழை to te are right. A tokenizer or a lexicon does not know such characters, so that a TTS front end leaves the
# sound out. (Each script is written as a shift of code points into the other's block.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pandas==2.3.3 numpy==2.3.5
"$folder/venv/bin/pip" install -q --no-deps indic-nlp-library==0.92  # its documentation tools and more are not needed here
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import unicodedata

from indicnlp.transliterate.unicode_transliterate import UnicodeIndicTransliterator

SCRIPTS = {"bn": "BENGALI", "hi": "DEVANAGARI", "pa": "GURMUKHI", "ta": "TAMIL", "te": "TELUGU"}
expected = {
    ("hi", "bn", "सेवा"): ["U+09B5 unassigned"],
    ("hi", "bn", "वह"): ["U+09B5 unassigned"],
    ("hi", "bn", "ऑफिस"): ["U+0991 unassigned"],
    ("hi", "ta", "हाँ"): ["U+0B81 unassigned"],
    ("hi", "ta", "फ़ोन"): ["U+0BBC unassigned"],
    ("hi", "ta", "कृपा"): ["U+0BC3 unassigned"],
    ("hi", "ta", "ऑफिस"): ["U+0B91 unassigned"],
    ("hi", "pa", "वर्षा"): ["U+0A37 unassigned"],
    ("hi", "pa", "कृष्ण"): ["U+0A43 unassigned", "U+0A37 unassigned"],
    ("te", "bn", "ఒక"): ["U+0992 unassigned"],
    ("te", "bn", "ఎలా"): ["U+098E unassigned"],
    ("ta", "bn", "எழு"): ["U+098E unassigned", "U+09B4 unassigned"],
    ("ml", "hi", "അവൻ"): ["U+0D7B MALAYALAM LETTER CHILLU N"],
    ("hi", "pa", "नाम"): [],
    ("hi", "bn", "कमल"): [],
    ("ta", "te", "மழை"): [],
}
same = True
for (source, target, word), right in expected.items():
    written = UnicodeIndicTransliterator.transliterate(unicodedata.normalize("NFD", word), source, target)
    names = {letter: unicodedata.name(letter, "unassigned") for letter in written}
    found = [f"U+{ord(c):04X} {names[c]}" for c in written if not names[c].startswith(SCRIPTS[target])]
    print(f"{source} -> {target}  {word}  {found or 'right'}")
    same &= found == right
sys.exit(not same)
PYTHON
