"""Which files a program depends on: found by reading its source."""

import subprocess
import sys
from pathlib import Path

import pytest

from speech.imports import ROOT, dotted_names, imported_files

FILES = {
    "app/__init__.py": "",
    "app/__main__.py": "import app.start",
    "app/start.py": "import json\nfrom app import middle\n",
    "app/middle.py": "def late():\n    from .parts.deep import Thing\n    return Thing\n",
    "app/parts/__init__.py": "",
    "app/parts/deep.py": 'REGISTRY = {"x": "plugins.byname:Class"}\nTABLE = "table.tsv"\n',
    "app/parts/table.tsv": "a\tb",
    "languages/load.py": 'from pathlib import Path\nname = f"languages.of.{input()}"\nTABLES = Path("x") / "tables"\n',
    "languages/of/__init__.py": 'def load(name):\n    return f"{__package__}.{name}"\n',
    "languages/of/zh.py": "import plugins.alone",
    "languages/of/yue/__init__.py": "",
    "languages/tables/zh.txt": "",
    "app/unused.py": "import app.start",
    "plugins/byname.py": "import numpy\nfrom app.parts.deep import REGISTRY",
    "plugins/alone.py": "",
}


@pytest.fixture
def root(tmp_path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def found(root: Path, *names: str) -> set[str]:
    return {str(path.relative_to(root)) for path in imported_files(names, [root])}


def test_imports_are_followed_into_functions_packages_strings_and_tables(root):
    everything = {name for name in FILES if name.startswith(("app/", "plugins/byname"))}
    everything -= {"app/__main__.py", "app/unused.py"}
    assert found(root, "app.start") == everything
    assert found(root, "app") == everything | {"app/__main__.py"}  # as python -m app


def test_where_a_name_is_made_up_every_module_of_the_package_counts_and_tables_too(root):
    languages = {name for name in FILES if name.startswith("languages/")}
    assert found(root, "languages.load") == languages | {"plugins/alone.py"}
    assert found(root, "languages.of") == {name for name in languages if "/of/" in name} | {"plugins/alone.py"}


def test_a_class_stands_for_its_module_and_what_is_not_here_is_left_out(root):
    assert found(root, "plugins.alone.Class.method") == {"plugins/alone.py"}
    assert found(root, "torch.nn.Linear", "plugins.nowhere", "data.train_files") == set()


def test_an_edited_source_is_read_again(root):
    assert found(root, "plugins.alone") == {"plugins/alone.py"}
    (root / "plugins/alone.py").write_text("import app.unused")
    assert "app/unused.py" in found(root, "plugins.alone")


def test_modules_are_looked_for_in_each_root(root, tmp_path_factory):
    own = tmp_path_factory.mktemp("own")
    (own / "mine.py").write_text("import plugins.alone")
    assert imported_files(["mine.Scorer"], [root, own]) == sorted([own / "mine.py", root / "plugins/alone.py"])


def test_names_in_a_configuration():
    tree = {"a": {"_target_": "x.y.Z"}, "b": ["pkg://reward_tts.compute_score", "plain", 3, None], "c": "${d.e}"}
    assert list(dotted_names(tree)) == ["x.y.Z", "reward_tts.compute_score"]


def test_compiled_files_are_none_of_the_code_though_a_module_names_their_folder(root):
    (root / "plugins/alone.py").write_text('IGNORED = "__pycache__"')
    (root / "plugins/__pycache__").mkdir()
    (root / "plugins/__pycache__/alone.cpython-311.pyc").write_bytes(b"")
    assert found(root, "plugins.alone") == {"plugins/alone.py"}


def test_no_stage_of_this_project_depends_on_compiled_files():
    assert not [path for path in imported_files(["models.tiny_mandarin.build", "stages.run"]) if path.suffix == ".pyc"]


def test_run_sh_starts_without_what_only_some_checks_read_with():
    """0.2 s of CPU of each start."""
    code = "import stages.run, sys; print(sorted({'numpy', 'pyarrow', 'tokenizers'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"
