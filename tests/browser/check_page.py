"""The page in headless Chromium: speak, compare, vote, reload, bad upload, keys; and its pictures for docs/page.md.

    python3 -m venv /somewhere/browser && /somewhere/browser/bin/pip install playwright==1.65.2
    /somewhere/browser/bin/python tests/browser/check_page.py http://127.0.0.1:7860/ [--shots docs] [--chromium PATH]

The page runs already (bash run.sh demo), after an evaluation. Without --chromium it is playwright's own browser, which
`playwright install chromium` fetches. Votes are cast under a name of their own, "browser check". Exits non-zero with
the first thing that is not as it should be. In no environment of run.sh: a browser is 300 MB and needs libraries of the
system; what the page answers is tested without one, in tests/reward_env/demo.
"""

import argparse
import json
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, expect, sync_playwright

WHO = "browser check"
SIZE = {"width": 1280, "height": 860}
WAIT_MS = 120_000
_SAID = "(document.querySelector('#worth .facts')?.innerText ?? '')"


def _is_sound(answer: Response) -> bool:
    return answer.ok and "/file=" in answer.url and answer.url.endswith(".wav")


def speak(page: Page) -> None:
    """A click makes sound and what was heard of it."""
    for seed in ("1", "2"):  # the second time is what a listener waits for
        page.get_by_label("Seed").fill(seed)
        before = page.evaluate(_SAID)
        began = time.monotonic()
        with page.expect_response(_is_sound, timeout=WAIT_MS) as sound:
            page.locator("#speak").click()
        sound.value.finished()
        heard = time.monotonic() - began
        page.wait_for_function(f"{_SAID} !== {json.dumps(before)}", timeout=WAIT_MS)
        print(f"speak: {heard:.2f} s from the click to the sound, {time.monotonic() - began:.2f} s to its verdict")
    expect(page.locator("#heard")).to_contain_text("reward's ASR")
    expect(page.locator("#heard")).to_contain_text("evaluation's ASR")
    page.locator("#player .play-pause-button").wait_for(timeout=WAIT_MS)


def compare(page: Page) -> None:
    """The first sentence of the table, by both systems."""
    page.get_by_role("tab", name="Compare").click()
    cell = page.locator("#compared [role=gridcell]").nth(2)
    cell.wait_for(timeout=WAIT_MS)
    print(f"compare: {cell.inner_text()}; {page.locator('#compare-line').inner_text()}")
    cell.click()
    expect(page.get_by_text("made in").or_(page.get_by_text("speech tokens")).nth(1)).to_be_visible(timeout=WAIT_MS)


def progress(page: Page) -> int:
    """Pairs that the listener has judged."""
    told = page.locator("#progress")
    expect(told).to_contain_text("pairs judged")
    return int(re.match(r"\d+", told.inner_text())[0])


def vote(page: Page) -> None:
    """By keys; then a reload, after which the listener's name and votes are still there."""
    page.get_by_role("tab", name="Blind test").click()
    page.get_by_label("Your name").fill(WHO)
    page.locator("#begin").click()
    judged = progress(page)
    for number, key in enumerate(("a", "s"), 1):
        page.locator("#pair").click()  # the keys are the page's, not the name's
        page.keyboard.press(key)
        expect(page.locator("#progress")).to_contain_text(f"{judged + number} of")
    page.reload()
    page.get_by_role("tab", name="Blind test").click()
    expect(page.get_by_label("Your name")).to_have_value(WHO)
    page.locator("#begin").click()
    if progress(page) != judged + 2:
        raise SystemExit(f"after the reload {progress(page)} pairs are judged, {judged + 2} were before")
    page.locator("#result").click()
    expect(page.locator("#said")).to_contain_text("Result so far")
    print(f"vote: {judged + 2} pairs are judged, and still after a reload")


def listen(page: Page) -> None:
    """Keys 1 and 2 play and stop, whatever language the browser speaks: the button's label tells which it would do."""
    page.get_by_role("tab", name="Blind test").click()
    page.get_by_label("Your name").fill(f"{WHO}, listening")  # who has judged no pair
    page.locator("#begin").click()
    progress(page)
    page.locator("#pair").click()
    for key, player in (("1", "#blind-a"), ("2", "#blind-b")):
        button = page.locator(f"{player} .play-pause-button")
        button.wait_for(timeout=WAIT_MS)
        label = button.get_attribute("aria-label")
        page.keyboard.press(key)
        expect(button).not_to_have_attribute("aria-label", label)
        print(f"listen: key {key} plays; the button was called {label}")


def training(page: Page) -> None:
    """Curves, and a rollout."""
    page.get_by_role("tab", name="Training").click()
    expect(page.locator("#training-line")).to_contain_text(re.compile("Step|No step"))
    with page.expect_response(_is_sound, timeout=WAIT_MS):
        page.locator("#rollouts [role=gridcell]").nth(3).click()
    page.wait_for_timeout(3000)
    print(f"training: {page.locator('#training-line').inner_text()}")


def bad_upload(page: Page, url: str) -> None:
    """More than demo.max_upload_bytes is refused, whatever the page offers; what is no sound, where it takes voices."""
    answer = page.request.post(
        f"{url.rstrip('/')}/gradio_api/upload",
        multipart={"files": {"name": "a.wav", "mimeType": "audio/wav", "buffer": bytes(25_000_000)}},
    )
    if answer.status != 413:
        raise SystemExit(f"an upload of 25 MB was answered {answer.status}")
    page.get_by_role("tab", name="Speak").click()
    own = page.get_by_text("A voice of your own")
    if not own.is_visible():
        print("bad upload: 25 MB refused; this recipe's page takes no voices")
        return
    own.click()
    noise = {"name": "noise.wav", "mimeType": "audio/wav", "buffer": b"no sound at all"}
    page.locator("#recording input[type=file]").set_input_files(noise)
    page.locator("#words").get_by_role("textbox").fill("你好")
    page.wait_for_timeout(1500)
    page.locator("#add-voice").click()
    expect(page.get_by_text("this recording cannot be used")).to_be_visible(timeout=WAIT_MS)
    print("bad upload: 25 MB refused, and a file that is no sound")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--shots", help="folder for page_*.png")
    parser.add_argument("--chromium", help="path of the browser")
    arguments = parser.parse_args()
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        page, asked = browser.new_page(viewport=SIZE), set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
        page.goto(arguments.url)
        page.locator("#speak").wait_for(timeout=WAIT_MS)
        for name, step in (("speak", speak), ("compare", compare), ("blind", vote), ("training", training)):
            step(page)
            if arguments.shots:
                page.wait_for_timeout(1500)
                shot = Path(arguments.shots, f"page_{name}.png")
                page.screenshot(path=shot, full_page=name != "blind", timeout=WAIT_MS)
        bad_upload(page, arguments.url)
        chinese = browser.new_context(viewport=SIZE, locale="zh-CN").new_page()
        chinese.goto(arguments.url)
        listen(chinese)
        outside = asked - {urlsplit(arguments.url).hostname, "", None}
        if outside:
            raise SystemExit(f"the page asks for things outside: {sorted(outside)}")
        print("nothing outside was asked for")
        browser.close()


if __name__ == "__main__":
    main()
