#!/usr/bin/env bash
# phonemizer 3.4.0 with preserve_punctuation=True, as TTS asks for it: a sentence that has a decimal number and ends with a full stop becomes two
# results, so that in a list every later text has the phones of another. It leaves the point of 3.14 alone when it looks for punctuation, as it
# should, and then cuts the text at the first point in it, which is the one of 3.14 (espeak-ng of espeakng-loader 0.2.4):
#     It is 3.14 now.                         two results: three. / fourteen now
#     a list of three texts, of which         four results: the third text has the phones of "five per cent.",
#       the second is It rose by 2.5 per cent.  and the last one has lost its full stop
#     Es sind 2.500 Leute., in German         two: zwei. / fünfhundert Leute, 2 and 500 for 2500
#     It is 3.14 now?  It is 3.14, roughly.   one each, three point one four
#     It is 3.14 now., not preserving         one, three point one four
# Nothing is raised; of one text, the result has a line break in it. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q phonemizer==3.4.0 espeakng-loader==0.2.4
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import espeakng_loader
from phonemizer import phonemize
from phonemizer.backend.espeak.wrapper import EspeakWrapper

EspeakWrapper.set_library(espeakng_loader.get_library_path())
EspeakWrapper.set_data_path(espeakng_loader.get_data_path())


def phones(*texts, language="en-us", preserve=True):
    return phonemize(list(texts), language=language, strip=True, preserve_punctuation=preserve)


three = "One comes first.", "It rose by 2.5 per cent.", "Three comes last."
found = {
    "point": phones("It is 3.14 now."),
    "three": phones(*three),
    "German": phones("Es sind 2.500 Leute.", language="de"),
    "question": phones("It is 3.14 now?"),
    "comma": phones("It is 3.14, roughly."),
    "removed": phones("It is 3.14 now.", preserve=False),
}
for name, results in found.items():
    print(f"{name:10}", results)
expected = {
    "point": ["ɪɾ ɪz θɹiː.", "fɔːɹtiːn naʊ"],
    "three": ["wʌn kʌmz fɜːst.", "ɪt ɹoʊz baɪ tuː.", "faɪv pɚ sɛnt.", "θɹiː kʌmz læst"],
    "German": ["ɛs zɪnt tsvaɪ.", "fʏnfhʊndɜt lɔøtə"],
    "question": ["ɪɾ ɪz θɹiː pɔɪnt wʌn fɔːɹ naʊ?"],
    "comma": ["ɪɾ ɪz θɹiː pɔɪnt wʌn fɔːɹ, ɹʌfli."],
    "removed": ["ɪɾ ɪz θɹiː pɔɪnt wʌn fɔːɹ naʊ"],
}
one = phonemize("It is 3.14 now.", language="en-us", strip=True, preserve_punctuation=True)
sys.exit(found != expected or one != "ɪɾ ɪz θɹiː.\nfɔːɹtiːn naʊ")
PYTHON
