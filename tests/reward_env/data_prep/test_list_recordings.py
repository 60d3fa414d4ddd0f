"""A folder of recordings -> the JSONL files that the other stages read."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from data_prep.list_recordings import _speakers, main, recordings, rows
from data_prep.read_shards import instruction
from data_prep.recordings import read_recordings
from speech.jsonl import BadRows
from speech.voices import read_voices
from tests.helpers.small_encoder import SaysByLength


def record(path: Path, words: str | None, rate: int = 16_000, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(rate * seconds), np.float32), rate)
    if words is not None:
        path.with_suffix(".txt").write_text(words, encoding="utf-8")


def test_both_files_are_such_as_the_other_stages_read(tmp_path):
    record(tmp_path / "in/a.wav", "今天\n很好\n")
    record(tmp_path / "in/sub/b.flac", "你好", rate=24_000, seconds=0.25)
    (output := tmp_path / "out").mkdir()
    voices, samples = rows(recordings(tmp_path / "in"), output, "zh")
    for name, made in (("recordings", voices), ("samples", samples)):
        (output / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    found = read_voices(str(output / "recordings.jsonl"))
    assert {name: voice.text for name, voice in found.items()} == {"a": "今天 很好", "sub/b": "你好"}
    assert {voice.language for voice in found.values()} == {"zh"}
    assert Path(found["sub/b"].wav).resolve() == tmp_path / "in/sub/b.flac"
    first, second = read_recordings(str(output / "samples.jsonl"))
    assert (first.transcript, first.language, first.duration, first.sample_rate) == ("今天 很好", "zh", 0.5, 16_000)
    assert (second.duration, second.sample_rate) == (0.25, 24_000)
    assert Path(second.wav_path).resolve() == tmp_path / "in/sub/b.flac"


def test_recordings_without_words_get_those_that_are_heard_and_say_so(tmp_path, monkeypatch):
    for name, words, seconds in (("a", "今天", 0.5), ("b", None, 0.6), ("c", None, 0.7), ("d", None, 0.8)):
        record(tmp_path / f"in/{name}.wav", words, seconds=seconds)
    ear = {"_target_": "tests.helpers.small_encoder.SaysByLength", "said": {6: "明天 放晴", 7: "", 8: "早上好"}}
    own = {"input": str(tmp_path / "in"), "output": str(tmp_path / "out"), "language": "zh", "transcribe": True}
    cfg = OmegaConf.create({"folder": own | {"asr": ear, "max_seconds": 30}})
    monkeypatch.setattr(SaysByLength, "heard", 0)
    with pytest.raises(
        SystemExit, match=r"(?s)^1 bad rows; nothing was written.*c\.wav: has no words, and nothing is h"
    ):
        main.__wrapped__(cfg)
    (tmp_path / "in/c.txt").write_text("你好")
    main.__wrapped__(cfg)
    assert SaysByLength.heard == 3
    found = [json.loads(line) for line in (tmp_path / "out/samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["transcript"], row.get("transcribed")) for row in found] == [
        ("今天", None),
        ("明天 放晴", True),
        ("你好", None),
        ("早上好", True),
    ]
    voices = read_voices(str(tmp_path / "out/recordings.jsonl"))
    assert [voice.text for voice in voices.values()] == [row["transcript"] for row in found]


def test_a_list_of_ljspeech_names_the_words(tmp_path):
    for name in ("LJ1", "LJ2"):
        record(tmp_path / f"{name}.wav", None)
    (tmp_path / "metadata.csv").write_text("LJ1|Dr. No|Doctor No\nLJ2|Yes\n")
    assert [(name, words) for name, _, words, *_ in recordings(tmp_path)] == [("LJ1", "Doctor No"), ("LJ2", "Yes")]


def test_libritts_has_its_words_in_two_versions(tmp_path):
    for name, version, words in (
        ("1/a", "normalized", "Mister No"),
        ("1/a", "original", "Mr. No"),
        ("1/b", "original", "Hi"),
    ):
        record(tmp_path / f"{name}.wav", None)
        (tmp_path / f"{name}.{version}.txt").write_text(words)
    assert [(name, words) for name, _, words, *_ in recordings(tmp_path)] == [("1/a", "Mister No"), ("1/b", "Hi")]


def test_librispeech_has_the_words_of_a_chapter_in_one_file(tmp_path):
    for name in ("84-1-0000", "84-1-0001"):
        record(tmp_path / f"84/1/{name}.flac", None)
    chapter = tmp_path / "84/1/84-1.trans.txt"
    chapter.write_text("84-1-0000 GO DO YOU HEAR\n84-1-0001 IT WAS\n")
    assert [words for _, _, words, *_ in recordings(tmp_path)] == ["GO DO YOU HEAR", "IT WAS"]
    (tmp_path / "84/1/84-1-0000.txt").write_text("Go! Do you hear?")
    assert recordings(tmp_path)[0].words == "Go! Do you hear?"
    chapter.write_text("84-1-0000 GO DO YOU HEAR\n84-1-0001 IT WAS\n84-1-0002 GONE\n")
    with pytest.raises(BadRows, match=r"(?s)^1 bad rows.*84-1\.trans\.txt:3: 84-1-0002 has no recording"):
        recordings(tmp_path)


def test_a_table_of_common_voice_names_words_and_languages(tmp_path):
    for name in ("cv_1", "cv_2", "invalid"):
        record(tmp_path / f"de/clips/{name}.mp3", None)
    table = tmp_path / "de/validated.tsv"
    heading = "client_id\tpath\tsentence\tlocale\n"
    table.write_text(f'{heading}x\tcv_2.mp3\t"Ja", sagt er.\tzh-HK\nx\tcv_1.mp3\tNein.\tde\n')
    voices, samples = rows(recordings(table), tmp_path, "en")
    assert [(voice["name"], voice["text"], voice["language"]) for voice in voices] == [
        ("cv_1", "Nein.", "de"),
        ("cv_2", '"Ja", sagt er.', "yue"),
    ]
    assert [(one["language"], one["wav_path"]) for one in samples] == [
        ("de", "de/clips/cv_1.mp3"),
        ("yue", "de/clips/cv_2.mp3"),
    ]
    table.write_text("path\tsentence\ncv_1.mp3\tNein.\n")  # no locale: folder.language
    assert rows(recordings(table), tmp_path, "en")[1][0]["language"] == "en"
    table.write_text(f"{heading}x\tcv_1.mp3\t\tde\n")
    assert [(one.words, one.language) for one in recordings(table, wordless=True)] == [("", "de")]
    table.write_text(
        f"{heading}x\tcv_1.mp3\tA\tde\nx\tcv_1.mp3\tB\tde\nx\tgone.mp3\tA\tde\nx\tcv_2.mp3\t\tde\nx\t\tA\tde\n"
    )
    told = (
        r"(?s)^4 bad.*tsv:3: cv_1\.mp3 is there twice.*tsv:4: gone\.mp3 has no recording.*tsv:5: cv_2\.mp3 has no words"
        r".*tsv:6: path has no recording"
    )
    with pytest.raises(BadRows, match=told):
        recordings(table)
    table.write_text("clip\tduration\ncv_1.mp3\t9\n")
    with pytest.raises(ValueError, match="has no headings path and sentence"):
        recordings(table)
    with pytest.raises(BadRows, match=r"no words .*of Common Voice folder\.input=NAME\.tsv"):
        recordings(tmp_path / "de")


def test_a_data_folder_of_cosyvoice_names_recordings_that_lie_elsewhere(tmp_path):
    """wav.scp, text, utt2spk and instruct as examples/libritts/cosyvoice/local/prepare_data.py writes them."""
    for name in ("1_a", "2_b"):
        record(tmp_path / f"corpus/1/{name}.wav", None)
    (folder := tmp_path / "data").mkdir()
    told = {"wav.scp": f"2_b {tmp_path}/corpus/1/2_b.wav\n1_a corpus/1/1_a.wav\n", "text": "2_b Hi,  you.\n1_a No.\n"}
    told |= {"utt2spk": "2_b 2\n1_a 1\n", "instruct": "2_b Slowly.<|endofprompt|>\n", "spk2utt": "1 1_a\n2 2_b\n"}
    for name, lines in told.items():
        (folder / name).write_text(lines)
    own = {"input": str(folder), "output": str(tmp_path / "out"), "language": "en", "transcribe": False}
    main.__wrapped__(OmegaConf.create({"folder": own}))
    voices = read_voices(str(tmp_path / "out/recordings.jsonl"))
    assert {name: (voice.text, Path(voice.wav).is_file()) for name, voice in voices.items()} == {
        "1_a": ("No.", True),
        "2_b": ("Hi, you.", True),
    }
    first, second = (one.row for one in read_recordings(str(tmp_path / "out/samples.jsonl")))
    assert (first["transcript"], first["wav_path"], first["speaker_id"]) == ("No.", "../corpus/1/1_a.wav", "1")
    assert "instruction" not in first and second["instruction"] == "Slowly.<|endofprompt|>"
    assert instruction(second, "{instruction}") == {"instruction": "Slowly.<|endofprompt|>"}
    for name in ("instruct", "utt2spk"):  # of the first nothing is told
        (folder / name).write_text("1_a\n2_b 2\n")
    for words, spoken in (("2_b Hi.\n1_a No.\n", ["No.", "Hi."]), ("2_b\n1_a No.\n", ["No.", ""]), ("", ["", ""])):
        (folder / "text").write_text(words) if words else (folder / "text").unlink()
        found = recordings(folder, wordless="" in spoken)
        assert [one.words for one in found] == spoken
        assert [one.more for one in found] == [{}, {"speaker_id": "2", "instruction": "2"}]
    (folder / "text").write_text("2_b Hi.\n3_c Gone.\n2_b Hi.\n")
    (folder / "wav.scp").write_text(f"2_b {tmp_path}/corpus/1/2_b.wav\n1_a corpus/1/1_a.wav\n4_d gone.wav\n")
    with pytest.raises(BadRows) as error:
        recordings(folder)
    bad = [line.strip().removeprefix(f"{folder}/") for line in str(error.value).splitlines()]
    assert bad == [
        "4 bad rows; nothing was written:",
        "text:3: field '2_b': is there twice, first in line 1",
        "wav.scp:2: field '1_a': is not in text",
        "wav.scp:3: field '4_d': gone.wav is no file",
        "text:2: field '3_c': is not in wav.scp",
    ]


@pytest.mark.parametrize("listed", ["LJ1", "LJ1.wav", "wavs/LJ1", "wavs/LJ1.wav"])
def test_a_list_beside_the_folder_of_its_recordings_is_that_of_ljspeech(tmp_path, listed):
    record(tmp_path / "wavs/LJ1.wav", None)
    (tmp_path / "metadata.csv").write_text(f"{listed}|Dr. No|Doctor\u2028No\n", encoding="utf-8")
    assert [(name, words) for name, _, words, *_ in recordings(tmp_path)] == [("wavs/LJ1", "Doctor No")]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("a|one\na|two\nb|x", r"metadata\.csv:2: a is there twice, first in line 1"),
        ("a|one\na.wav|one\nb|x", r"metadata\.csv:2: a\.wav is there twice, first in line 1"),
        ("a|x|x|spk\nb|y", r"metadata\.csv:1: has 4 fields"),
        ("a|Banana|anna\nb|y|anna\nc|z|anna", r"csv:1: anna is the third field of line 2, too"),
        (
            "a|x|s1\nb|y|s1\nc|z|s1",
            r"metadata\.csv:1: s1 is the third field of line 2, too, with other words: a speaker\?",
        ),
        ("a|other words\nb|x", r"a\.lab: has other words than .*metadata\.csv:1"),
        ("a|said\nb|x\nc|y", r"metadata\.csv:3: c may be s/c or t/c"),
    ],
)
def test_words_that_may_be_anothers_are_refused(tmp_path, lines, told):
    for name in ("a", "b", *(("s/c", "t/c") if "c|y" in lines else ("c",) if "c|z" in lines else ())):
        record(tmp_path / f"{name}.wav", None)
    (tmp_path / "a.lab").write_text("one" if "one" in lines else "x" if "a|x" in lines else "said")
    (tmp_path / "metadata.csv").write_text(lines + "\n")
    with pytest.raises(BadRows, match=told):
        recordings(tmp_path)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("a|5 apples|five apples\nb|Five apples|five apples", ["five apples"] * 2),
        ("a|Yes!|yes\nb|Yes.|yes\nc|yes|yes", ["yes"] * 3),
        ("a|1st|first\nb|first.|first\nc|First|first", ["first"] * 3),
        ("a|3点。|三点\nb|三点！|三点", ["三点"] * 2),
    ],
)
def test_a_reading_that_lines_share_is_none_of_a_speaker(tmp_path, lines, words):
    for name in "abc"[: len(words)]:
        record(tmp_path / f"{name}.wav", None)
    (tmp_path / "metadata.csv").write_text(lines + "\n", encoding="utf-8")
    assert [said for _, _, said, *_ in recordings(tmp_path)] == words


def test_speakers_of_whom_each_says_little_are_speakers_together():
    read = {f"p{speaker}": [(3 * speaker + i, f"text {speaker} {i}") for i in range(3)] for speaker in range(30)}
    assert list(_speakers(read))[29] == ("p29", [87, 88, 89])
    readings = {f"text {number}": [(number, f"Text {number}.")] for number in range(57)}
    assert not list(_speakers(readings | {"one": [(57, "1"), (58, "One"), (59, "I")]}))  # 3 of 60 lines


def test_the_same_words_without_signs_are_not_others(tmp_path):
    record(tmp_path / "a.wav", "Hello, World.")
    (tmp_path / "a.lab").write_text("HELLO WORLD")
    record(tmp_path / "b.wav", None)
    (tmp_path / "b.lab").write_text("GOOD EVENING")
    (tmp_path / "metadata.csv").write_text("b|Good evening!\n")
    assert [words for _, _, words, *_ in recordings(tmp_path)] == ["Hello, World.", "Good evening!"]


def test_two_sources_of_words_and_two_recordings_of_a_name_are_named(tmp_path):
    record(tmp_path / "a.wav", "one")
    (tmp_path / "a.lab").write_text("two")
    record(tmp_path / "b.flac", "same")
    (tmp_path / "b.lab").write_text(" same\n")
    record(tmp_path / "b.wav", None)
    with pytest.raises(BadRows, match=r"(?s)^2 bad rows.*a\.lab: has other words than .*a\.txt.*b\.wav: has the name"):
        recordings(tmp_path)


def test_linked_folders_are_entered_once(tmp_path):
    record(tmp_path / "disk/b.wav", "two")
    record(tmp_path / "in/a.wav", "one")
    (tmp_path / "in/spk2").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/loop").symlink_to(tmp_path / "in")
    assert [name for name, *_ in recordings(tmp_path / "in")] == ["a", "spk2/b"]


def test_a_folder_has_its_own_name_and_not_that_of_a_link_before_it(tmp_path):
    record(tmp_path / "z/a.wav", None)
    (tmp_path / "aa").symlink_to("z")
    (tmp_path / "z/deep").mkdir()
    (tmp_path / "b").symlink_to("z/deep")
    record(tmp_path / "z/deep/c.wav", "ho")
    (tmp_path / "metadata.csv").write_text("z/a|hi\n")
    assert [(name, words) for name, _, words, *_ in recordings(tmp_path)] == [("z/a", "hi"), ("z/deep/c", "ho")]


def test_a_recording_of_less_than_a_millisecond_is_named(tmp_path):
    record(tmp_path / "a.wav", "one", seconds=7 / 16_000)
    with pytest.raises(BadRows, match=r"a\.wav: holds 7 samples, less than a millisecond"):
        rows(recordings(tmp_path), tmp_path, "zh")


def test_all_that_is_wrong_is_named_at_once(tmp_path):
    record(tmp_path / "silent.wav", None)
    record(tmp_path / "empty.wav", "  \n")
    (tmp_path / "metadata.csv").write_text("gone|words\n")
    with pytest.raises(BadRows) as error:
        recordings(tmp_path)
    told = str(error.value)
    assert told.startswith("3 bad rows; nothing was written:")
    assert all(part in told for part in ("silent.wav: no words", "empty.wav: no words", "gone has no recording"))


def test_endings_in_capitals_are_those_endings(tmp_path):
    record(tmp_path / "a.wav", "今天")
    (tmp_path / "a.wav").rename(tmp_path / "a.WAV")
    (tmp_path / "a.txt").rename(tmp_path / "a.TXT")
    assert [(name, words) for name, _, words, *_ in recordings(tmp_path)] == [("a", "今天")]


def test_words_and_recordings_that_cannot_be_read_are_named_and_a_readme_is_not(tmp_path):
    record(tmp_path / "a.wav", "今天")
    record(tmp_path / "c.wav", None)
    (tmp_path / "c.txt").write_bytes("今天".encode("gbk"))
    (tmp_path / "b.m4a").touch()
    (tmp_path / "b.txt").write_text("明天")
    (tmp_path / "README.txt").write_bytes("录音".encode("gbk"))
    (tmp_path / "README.md").touch()
    with pytest.raises(BadRows) as error:
        recordings(tmp_path)
    told = str(error.value)
    assert told.startswith("2 bad rows") and "c.txt: is not UTF-8" in told
    assert "b.m4a: has words and is none of .wav, .flac, .ogg, .mp3" in told


def test_paths_go_out_from_where_the_output_really_lies(tmp_path):
    record(tmp_path / "in/a.wav", "今天")
    (tmp_path / "disk/deep").mkdir(parents=True)
    (tmp_path / "exp").symlink_to(tmp_path / "disk/deep")
    own = {"input": str(tmp_path / "in"), "output": str(tmp_path / "exp"), "language": "zh", "transcribe": False}
    main.__wrapped__(OmegaConf.create({"folder": own}))
    (voice,) = read_voices(str(tmp_path / "exp/recordings.jsonl")).values()
    assert Path(voice.wav).is_file()


def test_what_is_no_audio_is_named(tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(BadRows, match=r"a\.wav: cannot be read"):
        rows(recordings(tmp_path), tmp_path, "zh")


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere \(folder\.input\) is missing"):
        recordings(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no recording"):
        recordings(tmp_path)
