"""report.html: which sentences it shows, and that all it shows is in it."""

import base64
import re
from io import BytesIO

import numpy as np
import soundfile

from infer.report_page import LEGEND, audio, choose, marked, page, statistics


def row(system: str, index: int, text: str, transcript: str, error: float) -> dict:
    return {
        "system": system,
        "index": index,
        "sample": 0,
        "text": text,
        "transcript": transcript,
        "language": "zh",
        "error_rate": error,
    }


SFT = [row("SFT", 0, "你好", "你", 0.5), row("SFT", 1, "今天", "今天", 0.0), row("SFT", 2, "<好>", "", 1.0)]
GRPO = [row("GRPO", 0, "你好", "你好", 0.0), row("GRPO", 1, "今天", "金天", 0.5), row("GRPO", 2, "<好>", "", 1.0)]


def test_gains_losses_and_the_worst_no_text_twice():
    lists = choose({"SFT": SFT, "GRPO": GRPO}, "error_rate", "SFT", "GRPO", 10)
    assert [(one.title, [index for index, _ in one.texts]) for one in lists] == [
        ("Largest gains of GRPO over SFT", [0]),
        ("Largest losses of GRPO against SFT", [1]),
        ("Worst of GRPO", [2]),
    ]
    assert "+0.500" in lists[0].texts[0][1] and "-0.500" in lists[1].texts[0][1]


def test_one_system_alone_has_its_best_and_its_worst():
    lists = choose({"GRPO": GRPO}, "error_rate", "GRPO", "GRPO", 1)
    assert [(one.title, [index for index, _ in one.texts]) for one in lists] == [
        ("Best of GRPO", [0]),
        ("Worst of GRPO", [2]),
    ]


def test_the_sound_in_the_file_is_the_wave():
    wave = np.linspace(-0.5, 0.5, 2400, dtype=np.float32)
    inside = base64.b64decode(re.search(r"base64,([^']+)'", audio(wave, 24000))[1])
    found, rate = soundfile.read(BytesIO(inside))
    assert rate == 24000 and np.abs(found - wave).max() < 1 / 32000


def test_a_text_cannot_put_html_into_the_page():
    assert marked([("<b>", "correct"), ("&", "deletion")]) == "&lt;b&gt;<mark class='deletion'>&amp;</mark>"


def test_the_page_holds_all_and_fetches_nothing(tmp_path):
    picture = tmp_path / "results.png"
    picture.write_bytes(b"\x89PNG")
    results = {"recipe": "tiny", "baseline": "SFT", "candidate": "GRPO", "headline": "error_rate"}
    rows = {("SFT", "sampled"): SFT, ("GRPO", "sampled"): GRPO}
    lists = choose({"SFT": SFT, "GRPO": GRPO}, "error_rate", "SFT", "GRPO", 10)
    waves = {("SFT", 0): (np.zeros(10, np.float32), 24000), ("GRPO", 0): (np.zeros(0, np.float32), 24000)}
    made = page(results, "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nRead so.\n", picture, rows, lists, "sampled", waves)
    assert not re.search(r"(?:src|href)=['\"](?!data:)|https?:|<script", made)
    assert made.count("<audio") == 1 and made.count("no sound") == 1 and LEGEND in made
    assert "<td>1</td><td>2</td>" in made and "<p>Read so.</p>" in made
    assert "<mark class='substitution'>今</mark>天" not in made  # 金 and 今 are said alike: no error
    assert "&lt;<mark class='deletion'>好</mark>&gt;" in made and "<好>" not in made


def test_errors_are_those_that_the_rows_count():
    found = statistics(SFT)
    assert (found.substitutions.total(), found.deletions, found.insertions.total()) == (0, {"好": 2}, 0)
