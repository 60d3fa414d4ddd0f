#!/usr/bin/env bash
# lhotse 1.33.0: the times of a word alignment are of the recording, as AlignmentItem says, and trim_to_alignments() takes them so; but the mask of
# speech, supervisions_audio_mask(use_alignment_if_exists="word"), takes them as times of the cut. The supervision's own start moves with each cut, its
# alignment never. A recording of 5 s with words from second 1 to 4, each second's share of speech in the mask:
#                             by its supervision, as it sounds    by its words
#     the whole recording     0 1 1 1 0                           0 1 1 1 0
#     truncate(offset=1)        1 1 1 0                           0 1 1 1
#     trim_to_supervisions()    1 1 1                             0 1 1
#     pad to 7 s on the left  0 0 0 1 1 1 0                       0 1 1 1 0 0 0
#     behind a recording of 5 s   the same as in it, 5 s later    as if in front of it
# So a voice activity model that is trained on cuts, with alignments for their finer pauses, learns silence as speech and speech as silence. And
# trim_to_alignments() of the padded cut stops with a TypeError. Nothing else is raised. (It imports urllib3, which it does
# not ask for.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q lhotse==1.33.0 urllib3==2.8.0 torch==2.13.0 soundfile==0.14.0 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import soundfile
from lhotse import Recording, SupervisionSegment
from lhotse.supervision import AlignmentItem

RATE = 16_000
time = np.arange(RATE) / RATE
silence = np.zeros(RATE)
words = [0.3 * np.sin(2 * np.pi * pitch * time) for pitch in (300, 1000, 3000)]
soundfile.write("talk.wav", np.concatenate([silence, *words, silence]), RATE)
soundfile.write("quiet.wav", np.zeros(5 * RATE), RATE)

items = [AlignmentItem(word, start, 1.0) for word, start in (("one", 1.0), ("two", 2.0), ("three", 3.0))]
cut = Recording.from_file("talk.wav").to_cut()
cut.supervisions = [SupervisionSegment("s", "talk", 1.0, 3.0, text="one two three").with_alignment("word", items)]


def seconds(samples):
    return [int(np.abs(samples[start : start + RATE]).mean() > 0.05) for start in range(0, len(samples), RATE)]


def heard(cut):
    return (
        seconds(cut.load_audio()[0]),
        seconds(cut.supervisions_audio_mask()),
        seconds(cut.supervisions_audio_mask(use_alignment_if_exists="word")),
    )


def pitches(cut):
    """The loudest frequency of each word's own cut, in Hz."""
    found = {}
    for word in cut.trim_to_alignments("word"):
        found[word.supervisions[0].text] = int(np.argmax(np.abs(np.fft.rfft(word.load_audio()[0])))) * RATE // word.num_samples
    return found


shorter, padded = cut.truncate(offset=1.0), cut.pad(duration=7, direction="left")
found = {
    "whole": heard(cut),
    "truncate": heard(shorter),
    "trim_to_supervisions": heard(list(cut.trim_to_supervisions())[0]),
    "pad": heard(padded),
    "behind": heard(Recording.from_file("quiet.wav").to_cut().append(cut)),
}
for name, (sound, by_supervision, by_words) in found.items():
    print(f"{name:22} sounds {sound}  by supervision {by_supervision}  by words {by_words}")
rest = [0] * 5
talk = [0, 1, 1, 1, 0]
expected = {
    "whole": (talk, talk, talk),
    "truncate": ([1, 1, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1]),
    "trim_to_supervisions": ([1, 1, 1], [1, 1, 1], [0, 1, 1]),
    "pad": ([0, 0, *talk], [0, 0, *talk], [*talk, 0, 0]),
    "behind": (rest + talk, rest + talk, talk + rest),
}
right = pitches(shorter)
print("words cut out of the truncated one:", right)
try:
    pitches(padded)
    stopped = False
except TypeError as error:
    print("of the padded one:", error)
    stopped = True
sys.exit(found != expected or right != {"one": 300, "two": 1000, "three": 3000} or not stopped)
PYTHON
