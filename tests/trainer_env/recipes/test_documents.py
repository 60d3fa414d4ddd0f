"""Documents lead where they say: links, names of sections, and the estimates that the console has too."""

import ast
import inspect
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from reward_tts.reward.terms import TERMS
from stages import machine
from stages.config import ROOT, compose_stage
from stages.gpu_shares import GPUS, MINI, divisible, of_batch, of_gpus
from stages.preflight import check_reward
from stages.table import table

LINK = re.compile(r"\]\(([^)\s]+)\)")
# docs/data.md, "Memory"; [docs/data.md](../../docs/data.md), "Memory"; docs/training.md: "The guard"
SECTION = re.compile(r'([\w./-]+\.md)[)`]*[,:] "([^"]+)"')
ROLLOUTS = "actor_rollout_ref.rollout.n"
CODE = re.compile(r"(?<![\w/.-])\w[\w/.-]*\.py\b")
# Other projects' files that a docstring names without a folder, or with one that is called as one of ours.
OTHERS = {"glmtts_inference.py", "infer_dataset.py", "token2wav_asr_server.py", "run_wer.py", "communication.py"}
OTHERS |= {"torch_functional.py", "convert_cosyvoice3_to_hf.py", "compute-wer.py", "offline-decode-files.py"}
OTHERS |= {"models/transformers/monkey_patch.py"}
OF_PAGES = {".md", ".yaml", ".txt", ".py"}


@cache
def files() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    paths = (ROOT / name for name in listed.stdout.splitlines() if not name.startswith("tests/"))
    return tuple(path for path in paths if path.suffix in OF_PAGES and path.is_file())


@cache
def sections(page: Path) -> set[str]:
    """Its headings, and the bold beginnings of its paragraphs."""
    return headings(page) | set(re.findall(r"^\*\*(.+?)\*\*", page.read_text(encoding="utf-8"), re.M))


@cache
def headings(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {match[1].strip() for match in re.finditer(r"^#+ (.+)$", text, re.M)}


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page_of(name: str, beside: Path) -> Path | None:
    """A page by its path from here, or from the repository's root."""
    return next((path for path in (beside.parent / name, ROOT / name) if path.is_file()), None)


def test_every_link_leads_to_a_file_and_a_section():
    broken = []
    for file in (path for path in files() if path.suffix == ".md"):
        for target in LINK.findall(file.read_text(encoding="utf-8")):
            path, _, section = target.partition("#")
            if "://" in path or path.startswith(("mailto:", "../../actions/")):
                continue
            page = file if not path else file.parent / path
            if not page.exists() or (section and section not in map(anchor, headings(page))):
                broken.append(f"{file.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_section_that_is_named_is_there():
    """Of five recipes' REQUIRED_VERL.txt, README.md, "On GPUs" was none."""
    found, broken = 0, []
    for file in files():
        for name, section in SECTION.findall(file.read_text(encoding="utf-8")):
            page, found = page_of(name, file), found + 1
            if page is None or section not in sections(page):
                broken.append(f'{file.relative_to(ROOT)}: {name}, "{section}"')
    assert broken == [] and found > 10


def docstrings(file: Path) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]


def test_every_file_of_ours_that_a_docstring_names_is_there():
    """Two named token2wav_cosyvoice.py and one glm_flow.py, which had other names by then."""
    code = [path for path in files() if path.suffix == ".py"]
    ours, broken = {path.relative_to(ROOT).parts[0] for path in code} | {""}, []
    for file in code:
        for name in (name for told in docstrings(file) for name in CODE.findall(told) if name not in OTHERS):
            first, _, _ = name.rpartition("/")[0].partition("/")
            if first in ours and not page_of(name, file) and not any(path.name == name for path in code):
                broken.append(f"{file.relative_to(ROOT)}: {name}")
    assert broken == []


def test_the_package_of_plugins_lists_each_of_them():
    folder = ROOT / "verl_plugins"
    (told,) = docstrings(folder / "__init__.py")
    listed = re.findall(r"^(\w+)  ", told, re.M)
    assert sorted(listed) == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("stage", ["data", "reward_asr", "sft", "baseline", "token_ear", "train", "eval"])
def test_the_page_of_training_has_the_consoles_estimates(stage):
    (minutes,) = re.findall(r"\d+", table("tiny_mandarin").stages[stage].eta)
    (row,) = re.findall(rf"^\| [-\d]+ \| {stage} \|.*\|$", (ROOT / "docs/training.md").read_text("utf-8"), re.M)
    assert row.rpartition(" | ")[2].startswith(f"{minutes} minutes")


def test_the_page_of_training_has_the_disk_that_kept_checkpoints_take():
    """12 bytes for each parameter; four more may stay beside the last ones. It had the last ones alone."""
    page = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    row = r"^\| ([a-z\d_, ]+?)(?:, with .*)? \| ([\d.]+) \| (\d+) GB \| (\d): (\d+) GB \| (\d+) GB \|$"
    told = {name: numbers for names, *numbers in re.findall(row, page, re.M) for name in names.split(", ")}
    assert set(told) == {path.parent.name for path in ROOT.glob("recipes/*/models.yaml")}
    for name, (billions, one, kept, last, most) in told.items():
        assert int(kept) == compose_stage(name, "grpo").trainer.max_actor_ckpt_to_keep
        for gigabytes, number in ((one, 1), (last, int(kept)), (most, int(kept) + 4)):
            assert abs(int(gigabytes) - 12 * float(billions) * number) < 1


def test_the_page_of_the_reward_has_the_defaults_and_bounds_of_every_term():
    page = (ROOT / "docs/reward.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\{.*?\})` \| [^|]+ \| (-?\d)(?: to (\d)|, no end) \| [^|]+ \|$", page, re.M)
    told = {name: (yaml.safe_load(own), float(low), float(high) if high else None) for name, own, low, high in rows}
    for name, term in TERMS.items():
        keywords = [one for one in inspect.signature(term.value).parameters.values() if one.kind is one.KEYWORD_ONLY]
        own = {one.name: "required" if one.default is one.empty else one.default for one in keywords}
        assert told.pop(name) == (own, term.lowest, term.highest), name
    assert told == {}


@pytest.mark.parametrize("page", sorted(ROOT.glob("recipes/*/README.md")), ids=lambda page: page.parent.name)
def test_the_page_of_a_recipe_has_the_formula_that_it_trains_by(page):
    """cosyvoice2's had 1 - tanh(3c) alone, inworld_tts's three terms of four."""
    name = page.parent.name
    assert f"\n{check_reward(name, compose_stage(name, 'grpo'), [])}\n" in page.read_text(encoding="utf-8")


def test_the_page_of_gpus_has_the_texts_of_a_step_that_verl_divides():
    """llasa's page said that two keys were all, which on 3 GPUs verl refuses: 8 texts x 16 rollouts are no multiple."""
    page = (ROOT / "docs/gpus.md").read_text(encoding="utf-8")
    header, _, *rows = re.search(r"^\| texts of a step on.*\n(?:\|.*\n)+", page, re.M)[0].splitlines()
    gpus = [int(number) for number in re.findall(r"\d+", header)]
    told = {
        name: cells for row in rows for name in re.findall(r"[a-z]\w+", row) for cells in [re.findall(r" (\d+) ", row)]
    }
    released = {path.parent.name for path in ROOT.glob("recipes/*/models.yaml")}
    assert gpus == [3, 5, 6, 7, 8] and set(told) == released
    for name in released:
        cfg = compose_stage(name, "grpo")
        texts, own = [divisible(cfg, number) for number in gpus], cfg.data.train_batch_size
        assert [(int(cell), int(cell)) for cell in told[name]] == texts
        assert {divisible(cfg, number) for number in (1, 2, 4, 8)} == {(own, own)}


def test_the_page_of_troubleshooting_has_the_words_of_too_many_gpus(monkeypatch):
    """It had verl's, which nobody sees any more: the run is refused before."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(machine, "gpus", lambda: 4)
    cfgs = [compose_stage("cosyvoice2", "grpo", own) for own in ((), (f"{GPUS}=6",), (f"{MINI}=16", f"{ROLLOUTS}=3"))]
    faults = [*of_gpus(cfgs[0]), *of_batch(cfgs[1]), *of_batch(cfgs[2])]
    rows = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8").splitlines()
    told = [
        key for row in rows for key in re.findall("`(.*?)`", row.partition(" | ")[0]) if "GPUs" in key or GPUS in key
    ]
    patterns = [re.sub(r"\d+", r"\\d+", re.escape(key)).replace(r"\.\.\.", ".+") for key in told]
    for key, why in faults:
        assert [pattern for pattern in patterns if re.search(pattern, f"{key} {why}")], (key, why)
    assert len(faults) == 3 == len(patterns) - 1  # and Ray's own


def test_a_recipe_that_fetches_models_tells_their_licences():
    """docs/install.md promised it; three pages had no word."""
    pages = [path.with_name("README.md") for path in ROOT.glob("recipes/*/models.yaml")]
    assert len(pages) == 5 and [page for page in pages if "Licences" not in headings(page)] == []


def test_the_page_of_install_names_the_versions_that_are_pinned():
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| `\.venv.*$", page, re.M))
    told = {name.lower(): version for name, version in re.findall(r"(\w+) (\d+\.\d+\.\d+)", rows)}
    files = (ROOT / name for name in ("requirements.txt", "requirements-reward.txt", "requirements/trainer-gpu.txt"))
    pinned = dict(re.findall(r"^(?:nvidia-)?(\w+)==([\d.]+)$", "\n".join(file.read_text() for file in files), re.M))
    assert told == {name: pinned[name] for name in ("verl", "vllm", "torch", "transformers", "pytriton")}


def test_every_test_is_named_in_less_than_80_characters():
    """As CONTRIBUTING.md says; 21 had 80 to 91."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
    names = [name for text in texts for name in re.findall(r"^ *(?:async )?def (test_\w+)", text, re.M)]
    assert len(names) > 1000 and [name for name in names if len(name) >= 80] == []
