"""A checkout on PYTHONPATH does not stand for the environment's package."""

import sys
from pathlib import Path

import pytest

from speech.own_packages import require_own


def test_a_package_from_elsewhere_is_refused_where_the_environment_has_it(tmp_path: Path, monkeypatch):
    monkeypatch.delitem(sys.modules, "gruut_lang_fr", raising=False)
    require_own("gruut_lang_fr")
    for name in ("gruut_lang_fr", "no_package_of_the_environment"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    require_own("no_package_of_the_environment")  # as one that is installed editable
    with pytest.raises(RuntimeError, match=rf"from {tmp_path}/gruut_lang_fr, not from .*: take {tmp_path} out of"):
        require_own("gruut_lang_fr")
