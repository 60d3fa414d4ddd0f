"""The real page on a free port with the small models, asked as a browser asks it."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import gradio
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from PIL import Image

from demo.studio import Studio
from demo.tab_blind import KEYS
from stages.config import compose_stage
from tests.conftest import ROOT, free_ports

TEXT = "今天是十二月二十五号"


class Page:
    """A running page.

    Attributes:
        url: of it. folder: where its votes and voices are.
    """

    def __init__(self, built: Path, folder: Path):
        self.folder, port = folder, free_ports(1)[0]
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "page.log"
        argv = [".venv-reward/bin/python", "-m", "demo", "--config-path", str(ROOT / "recipes/tiny_mandarin")]
        argv += ["--config-name", "demo", f"recipe.work_dir={built.relative_to(ROOT)}", f"demo.port={port}"]
        argv += [f"systems={{SFT: {built}/sft, GRPO: {built}/sft}}", f"eval_dir={folder}/eval", "demo.threads=1"]
        argv += [f"demo.votes={folder}/votes.jsonl", f"demo.voices_dir={folder}/voices", "demo.load_first=false"]
        argv += [f"recipe.token_ear_dir={folder}/token_ear", "recipe.languages=[zh, en, yue]"]
        one = "temperature: 1.0, top_p: 1.0, top_k: -1, samples: 1"
        bounded = "min_token_text_ratio: 2, max_token_text_ratio: 9, frequency_penalty: 0.5"
        argv += [f"+recipe.decodings.bounded={{{one}, {bounded}}}"]
        argv += ["demo.max_upload_bytes=1000000", "voices.max_seconds=3", f"demo.files_dir={folder}/files"]
        argv += ["voices.encoder={_target_: tests.helpers.small_encoder.LoudnessEncoder}"]
        (folder / "token_ear").symlink_to(built / "token_ear")
        # As the second user of a machine has it: what the first one's page made there is nobody else's to write to.
        (folder / "tmp").mkdir()
        (folder / "tmp/gradio").write_text("another user's")
        (folder / "files/left").mkdir(parents=True)
        os.utime(folder / "files/left", (0, 0))
        env = {name: value for name, value in os.environ.items() if name != "GRADIO_TEMP_DIR"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                argv, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=env | {"TMPDIR": str(folder / "tmp")}
            )

    def wait(self) -> None:
        while "READY" not in self.log.read_text(errors="replace"):
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.5)

    def client(self) -> Client:
        """A session of its own."""
        return Client(self.url, verbose=False)

    def status(self, path: str, data: bytes | None = None, kind: str = "application/json") -> int:
        """Of an HTTP request."""
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def page(built_recipe, tmp_path_factory):
    """With an evaluation of four texts: the teacher's speech is GRPO's; with every third token replaced, SFT's."""
    folder = tmp_path_factory.mktemp("page")
    teacher = (built_recipe / "data/test_teacher.jsonl").read_text(encoding="utf-8").splitlines()[:4]
    found = {"SFT": [], "GRPO": []}
    (folder / "eval/tokens").mkdir(parents=True)
    utterances = []
    for index, row in enumerate(map(json.loads, teacher)):
        good = row["speech_tokens"]
        for name, tokens in (("GRPO", good), ("SFT", [7 if i % 3 == 0 else t for i, t in enumerate(good)])):
            said = {"index": index, "sample": 0, "text": row["text"], "tokens": tokens, "finished": True}
            found[name].append(json.dumps(said, ensure_ascii=False) + "\n")
            counts = {"substitutions": 0 if name == "GRPO" else index, "deletions": 0, "insertions": 0}
            errors = {"pinyin_error": counts["substitutions"] / 10, "error_rate": 0.0, "transcript": f"{name}{index}"}
            utterances.append({"system": name, "decoding": "sampled", **said, **counts, **errors})
    for name, lines in found.items():
        (folder / f"eval/tokens/{name}.sampled.jsonl").write_text("".join(lines), encoding="utf-8")
    rows = (json.dumps(row, ensure_ascii=False) + "\n" for row in utterances)
    (folder / "eval/utterances.jsonl").write_text("".join(rows), encoding="utf-8")
    running = Page(built_recipe, folder)
    running.wait()
    yield running
    running.process.terminate()
    running.process.wait()


def test_a_text_is_spoken_heard_and_judged(page):
    client = page.client()
    sound = client.predict(TEXT, "SFT", "sampled", "as the recipe chooses", 3, 1, api_name="/speak")
    wave, rate = soundfile.read(sound)
    assert rate == 24000 and len(wave) > 2400 and np.abs(wave).max() > 0.01
    heard, picture, worth = client.predict(api_name="/judged")
    assert np.asarray(Image.open(picture)).shape == (400, 1000, 3)
    assert heard.count("toneless pinyin error") == 2  # both count as the recipe's reward and evaluation do
    assert "reward's ASR" in heard and "SenseVoiceASR" in heard and "WhisperEar" in heard
    assert "(1.0 x (1 - tanh(3 x toneless pinyin error)) + 0.2 x min(1, (1 - silence) / 0.5)) / 1.2" in worth
    assert list((page.folder / "files").rglob("*.wav")) and not (page.folder / "files/left").exists()
    again = client.predict(TEXT, "SFT", "sampled", "as the recipe chooses", 3, 1, api_name="/speak")
    assert np.array_equal(soundfile.read(again)[0], wave)  # the same seed
    other = client.predict(TEXT, "SFT", "sampled", "as the recipe chooses", 4, 1, api_name="/speak")
    assert not np.array_equal(soundfile.read(other)[0], wave)
    # As the recipes with released models have it: of a text with so many tokens at least, and at most; or a penalty.
    bounded = client.predict(TEXT, "SFT", "bounded", "as the recipe chooses", 3, 1, api_name="/speak")
    assert len(soundfile.read(bounded)[0]) >= 2 * len(TEXT) * rate * 3 // 80
    with pytest.raises(Exception, match="nothing was said yet"):
        page.client().predict(api_name="/judged")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("！？", "SFT", "sampled", 0, 1), "nothing to be spoken"),
        ((TEXT, "../../etc", "sampled", 0, 1), "Value: ../../etc is not in the list of choices|there is no model"),
        ((TEXT, "SFT", "nonsense", 0, 1), "nonsense is not in the list of choices|there is no decoding"),
        ((TEXT, "SFT", "sampled", -1, 1), "minimum value|a seed is a whole number"),
        ((TEXT, "SFT", "greedy", 0, 2), "several samples of greedy decoding are all the same"),
        ((TEXT, "SFT", "sampled", 0, 1, "slowly"), "tiny_mandarin has no place for it"),
    ],
)
def test_what_cannot_be_spoken_is_said(page, given, told):
    text, model, decoding, *more = given
    with pytest.raises(Exception, match=told):
        page.client().predict(text, model, decoding, "as the recipe chooses", *more, api_name="/speak")


def test_the_best_of_several_is_chosen_by_the_token_ear(page):
    client, asked = page.client(), (TEXT, "SFT", "best_of_8", "as the recipe chooses", 3, 1)
    best, again = (soundfile.read(client.predict(*asked, api_name="/speak"))[0] for _ in range(2))
    assert np.array_equal(best, again) and np.abs(best).max() > 0.01
    ear = page.folder / "token_ear"
    ear.rename(page.folder / "away")
    with pytest.raises(Exception, match="there is no decoding"):
        client.predict(*asked, api_name="/speak")
    with pytest.raises(Exception, match=r"bash run\.sh --recipe tiny_mandarin token_ear trains one"):
        client.predict(TEXT, "SFT", "sampled", "as the recipe chooses", 3, 2, api_name="/speak")
    (page.folder / "away").rename(ear)


def test_a_text_is_read_and_heard_in_the_language_that_was_chosen(page):
    client = page.client()
    asked = ("Good morning", "SFT", "sampled", "as the recipe chooses", 3, 1, "")
    for language, rate in (("en", "WER"), ("zh", "toneless pinyin error")):
        client.predict(*asked, language, api_name="/speak")
        assert client.predict(api_name="/judged")[0].count(rate) == 2
    client.predict("早晨", *asked[1:], "yue", api_name="/speak")
    heard, _, worth = client.predict(api_name="/judged")  # whisper-base has no Cantonese: the reward's half stays
    assert heard.count("CER") == 1 and "evaluation&#x27;s ASR: whisper has no token &lt;|yue|&gt;" in heard
    assert "class='score'>reward " in worth
    with pytest.raises(Exception, match=r"de is not in the list of choices|recipe\.languages are zh, en, yue"):
        client.predict(*asked, "de", api_name="/speak")


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("de", "Das kostet fünfundzwanzig Euro am dritten Mai."),
        ("en", "Das kostet twenty five Euro am three. Mai."),
    ],
)
def test_the_model_reads_the_text_as_the_language_writes_it(tmp_path, language, written):
    (tmp_path / "voices.jsonl").write_text('{"name": "ana", "text": "Hallo.", "speech_tokens": [7]}\n')
    studio = Studio(compose_stage("inworld_tts", "demo", (f"recipe.voices={tmp_path}/voices.jsonl",)), "")
    assert studio.sentence("Das kostet 25 Euro am 3. Mai.", language, "ana").request.written == written


def test_a_long_text_is_spoken_in_parts(page):
    client, sentence = page.client(), TEXT + "。"
    for times, parts in ((1, ""), (4, " in 2 parts")):  # recipe.parts.token_max_n 30: two sentences of 11 a part
        sound = client.predict(sentence * times, "GRPO", "greedy", "as the recipe chooses", 3, 1, api_name="/speak")
        length = f"{soundfile.info(sound).duration:.2f} s"
        assert re.search(rf"{length}, \d+ speech tokens{parts}, ", client.predict(api_name="/judged")[2])


def test_sentences_side_by_side(page):
    client = page.client()
    rows, line = client.predict("sampled", "largest gain", "any", api_name="/compared")
    assert [(row[0], row[1]) for row in rows["data"]] == [(3, "+0.300"), (2, "+0.200"), (1, "+0.100"), (0, "+0.000")]
    assert line.startswith("4 of 4 sentences; GRPO is better in 3, worse in 0, equal in 1.")
    rows, _ = client.predict("sampled", "largest gain", "none", api_name="/compared")
    assert [row[0] for row in rows["data"]] == [0]
    sft, grpo = client.predict("sampled", 3, api_name="/hear")
    assert not np.array_equal(soundfile.read(sft)[0], soundfile.read(grpo)[0])
    assert re.search("[一-龥]", client.predict(handle_file(grpo), "zh", api_name="/words"))  # the teacher's speech
    *_, first, second = client.predict(api_name="/judged_both")
    assert first != second and all("SenseVoiceASR" in said and "reward" in said for said in (first, second))


def test_votes_are_kept_and_the_listener_goes_on(page):
    client = page.client()
    first, key, *_, done = client.predict("ann", api_name="/next_pair")
    assert done == "0 of 4 pairs judged by ann"
    second, *_, done = client.predict("ann", key, api_name="/vote_a")
    assert done == "1 of 4 pairs judged by ann" and second != first
    votes = [json.loads(line) for line in (page.folder / "votes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(v["who"], v["text"], v["vote"]) for v in votes] == [("ann", first, "A")]
    assert votes[0]["chosen"] == votes[0]["left"]
    client.predict("ann", key, api_name="/vote_b")  # pressed before the second pair was there: it does not count
    assert client.predict("ann", api_name="/back")[:2] == (first, key)
    reloaded, *_, done = page.client().predict("ann", api_name="/next_pair")
    assert (reloaded, done) == (second, "1 of 4 pairs judged by ann")
    with pytest.raises(Exception, match="Press Begin first"):
        page.client().predict("ann", key, api_name="/vote_b")
    (row,) = map(json.loads, Path(page.client().predict(api_name="/export")).read_text(encoding="utf-8").splitlines())
    assert (row["text"], row["chosen_system"], row["who"]) == (first, votes[0]["chosen"], "ann")
    said = page.client().predict(api_name="/result")
    assert said.startswith("**Result so far** of 1 of 4 texts, 1 votes: most prefer GRPO in ")
    assert "about 7 more with a preference would decide it" in said


def test_a_recording_becomes_a_voice(page, tmp_path):
    wave = np.sin(np.arange(16000) / 20).astype(np.float32) * 0.3
    soundfile.write(tmp_path / "me.flac", wave, 16000)
    client = page.client()
    made = client.predict(handle_file(tmp_path / "me.flac"), "你好", "en", api_name="/add_voice")
    name = made["value"]
    (row,) = map(json.loads, (page.folder / "voices/voices.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["name"], row["text"], row["language"], len(row["speech_tokens"])) == (name, "你好", "en", 25)
    assert len(soundfile.read(page.folder / "voices" / row["wav"])[0]) == 16000


def test_bad_uploads_are_refused(page, tmp_path):
    client = page.client()
    (tmp_path / "not.wav").write_text("#!/bin/sh\necho no sound\n")
    with pytest.raises(Exception, match="this recording cannot be heard: the file cannot be read"):
        client.predict(handle_file(tmp_path / "not.wav"), "zh", api_name="/words")
    with pytest.raises(Exception, match="this recording cannot be used"):
        client.predict(handle_file(tmp_path / "not.wav"), "你好", api_name="/add_voice")
    soundfile.write(tmp_path / "long.flac", np.zeros(16000 * 4, np.float32), 16000)
    with pytest.raises(Exception, match=r"lasts 4.0 s, at most 3 s are read \(voices.max_seconds\)"):
        client.predict(handle_file(tmp_path / "long.flac"), "你好", api_name="/add_voice")
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n' + bytes(1_100_000)
    assert page.status("/gradio_api/upload", body + b"\r\n--x--\r\n", "multipart/form-data; boundary=x") == 413


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "README.md"), str(ROOT / "exp/test_build/sft/config.json")])
def test_no_path_from_the_browser_is_opened(page, path):
    assert page.status(f"/gradio_api/file={path}") in (403, 404)
    data = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, "你好", "zh"]}).encode()
    call = f"{page.url}/gradio_api/call/add_voice"
    request = urllib.request.Request(call, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        event = json.loads(answer.read())["event_id"]
    with urllib.request.urlopen(f"{call}/{event}", timeout=300) as answer:
        said = answer.read().decode()
    assert "event: error" in said
    assert "was not uploaded by a user" in page.log.read_text(errors="replace")


def test_the_keys_find_what_gradio_calls_alike_in_every_language():
    assets = Path(gradio.__file__).with_name("templates") / "frontend/assets"
    assert "aria-label" not in KEYS and ".play-pause-button" in KEYS
    assert any('class="play-pause-button' in one.read_text(encoding="utf-8") for one in assets.glob("StaticAudio*.js"))
