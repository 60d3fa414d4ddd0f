#!/usr/bin/env bash
# gruut-lang-fr 2.0.2, the French lexicon of the grapheme-to-phoneme reader gruut: of 11858 words that stand in it with their plural in -s
# (those in -a and -ai left out: aurai, aurais), which is silent in French, 519 have another first pronunciation
# there, and 373 none in common. Everyday ones:
#     autorité       o t ɔ ʁ i t e          autorités      ɔ t ɔ ʁ i t e
#     aéroport       a e ʁ o p ɔ ʁ          aéroports      a e ʁ ɔ p ɔ ʁ
#     maison         m e z ɔ̃               maisons        m ɛ z ɔ̃
#     abonnement     a b ɔ n ə m ɑ̃         abonnements    a b ɔ n m ɑ̃
#     acheteur       a ʃ ə t œ ʁ           acheteurs      a ʃ t œ ʁ
# So two words that are heard as one are two words to a TTS front end or a phoneme error rate that takes its sounds as they stand.
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --no-deps gruut-lang-fr==2.0.2
"$folder/env/bin/python" - <<'CODE'
import importlib.resources
import sqlite3

rows = []
with importlib.resources.as_file(importlib.resources.files("gruut_lang_fr").joinpath("lexicon.db")) as path:
    rows = sqlite3.connect(path).execute("SELECT word, phonemes, pron_order FROM word_phonemes").fetchall()
first = {word: said for word, said, order in rows if order == 0}
every = {}
for word, said, _ in rows:
    every.setdefault(word, set()).add(said)
pairs = [(word, f"{word}s") for word in first if len(word) > 3 and word[-1] not in "as" and word[-2:] != "ai" and f"{word}s" in first]
other = [(one, two) for one, two in pairs if first[one] != first[two]]
apart = [(one, two) for one, two in other if every[one].isdisjoint(every[two])]
print(len(pairs), "pairs,", len(other), "with another first pronunciation,", len(apart), "with none in common")
for one in ("autorité", "aéroport", "maison", "abonnement", "acheteur"):
    print(f"{one}: {first[one]}; {one}s: {first[one + 's']}")
    assert (one, f"{one}s") in other, one
assert (len(pairs), len(other), len(apart)) == (11858, 519, 373)
CODE
