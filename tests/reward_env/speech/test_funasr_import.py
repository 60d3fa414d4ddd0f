"""FunASR without all of FunASR: the same classes under the same names as its own import registers, and no more."""

import ast
import inspect
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from speech.funasr_import import funasr_module, import_registered

# In a process of its own: the tests' process has FunASR in part already.
COUNT = """
import json, sys
from reward_tts.asr.sensevoice import SenseVoiceASR
from reward_tts.asr.funasr_directory import import_registered
import_registered({"model": "SenseVoiceSmall", "encoder": "SenseVoiceEncoderSmall", "frontend": "WavFrontend"})
print(json.dumps([name for name in sys.modules if name.startswith(("funasr.", "sklearn", "transformers"))]))
"""
# All that the classes of reward_tts/asr and reward_tts/scorers name in the released folders.
NAMED = {
    "model_classes": ("SenseVoiceSmall", "Paraformer", "BiCifParaformer", "SeacoParaformer", "Emotion2vec"),
    "encoder_classes": ("SenseVoiceEncoderSmall", "SANMEncoder"),
    "decoder_classes": ("ParaformerSANMDecoder",),
    "predictor_classes": ("CifPredictorV2", "CifPredictorV3"),
    "frontend_classes": ("WavFrontend",),
    "specaug_classes": ("SpecAugLFR",),
    "tokenizer_classes": ("CharTokenizer", "SentencepiecesTokenizer"),
}


def printed(code: str):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_sensevoice_imports_a_tenth_of_funasr():
    names = printed(COUNT)
    assert "funasr.models.sense_voice.model" in names and "funasr.frontends.wav_frontend" in names
    assert [name for name in names if not name.startswith("funasr.")] == []
    assert len(names) < 60, names


def registered_in_the_package() -> dict[str, set[str]]:
    """Sources of the classes, by "kind/name", that a module of FunASR registers by `@tables.register(kind, name)`."""
    (folder,) = find_spec("funasr").submodule_search_locations
    found: dict[str, set[str]] = {}
    for path in Path(folder).rglob("*.py"):
        text = path.read_text()
        if "tables.register" not in text:  # most are not, and parsing takes long
            continue
        for node in ast.walk(ast.parse(text)):
            for call in node.decorator_list if isinstance(node, ast.ClassDef) else []:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "tables.register":
                    kind, name = (ast.unparse(argument).strip("'") for argument in call.args)
                    lines = text.splitlines(keepends=True)[node.decorator_list[0].lineno - 1 : node.end_lineno]
                    found.setdefault(f"{kind}/{name}", set()).add("".join(lines))
    return found


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of FunASR's files
def test_named_classes_are_those_that_the_whole_of_funasr_registers():
    """As source: FunASR has the same decoder in two files, and which of them is registered depends on the order."""
    whole = registered_in_the_package()
    import_registered({"all": {kind: dict(enumerate(names)) for kind, names in NAMED.items()}})
    tables = funasr_module("funasr.register").tables
    for kind, names in NAMED.items():
        for name in names:
            assert whole[f"{kind}/{name}"] == {inspect.getsource(getattr(tables, kind)[name])}, name


def test_a_missing_module_is_an_error_and_an_unknown_name_is_left_to_funasr():
    with pytest.raises(ModuleNotFoundError, match=r"funasr\.models\.no_such"):
        funasr_module("funasr.models.no_such")
    import_registered({"model": "NoSuchModel", "conf": {"size": 3}})
    assert "NoSuchModel" not in funasr_module("funasr.register").tables.model_classes
