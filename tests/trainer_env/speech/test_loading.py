"""Weights are data: a file that would run code when it is read is refused, and no loader goes another way.

torch and transformers are imported where they are used: the other processes that collect this file need neither.
"""

import json
import re
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("benchmarks", "stages", "infer", "sft", "verl_plugins", "models", "merge", "reward_tts", "data_prep")
# What reads a folder's files so that they could run: each is in the one place that forbids it.
ELSEWHERE = {
    r"torch\.load\(": {"speech/loading.py"},
    r"Auto\w+\.from_pretrained\(": set(),
    r"trust_remote_code": {"speech/loading.py", "reward_tts/asr/funasr_directory.py"},
    r"(?<![\w.])AutoModel\(": {"reward_tts/asr/funasr_directory.py"},
    r"import pickle|pickle\.loads?\(|joblib\.load|torch\.jit\.load|allow_pickle=True|weights_only=False": {
        "stages/parsed.py"  # of what this process has just pickled itself
    },
    r"yaml\.(unsafe_load|full_load|Loader|UnsafeLoader)\b": set(),
}


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_weights_are_read_and_code_among_them_is_not_run(tmp_path):
    import torch

    from speech.loading import weights_of

    torch.save({"a": torch.arange(3), "b": [1, "x"]}, tmp_path / "good.pt")
    assert weights_of(tmp_path / "good.pt")["a"].tolist() == [0, 1, 2]
    torch.save({"a": Evil(tmp_path / "made")}, tmp_path / "evil.pt")
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        weights_of(tmp_path / "evil.pt")
    assert not (tmp_path / "made").exists()


def test_what_a_models_folder_lacks_is_named_with_where_to_get_it(tmp_path):
    from speech.loading import there, whole

    (tmp_path / "model-1.safetensors").touch()
    (tmp_path / "config.json").touch()
    assert whole(str(tmp_path), ("config.json", "*.safetensors"), "fetch it") == tmp_path
    told = rf"^{tmp_path} lacks \['vocab\.json', '\*\.bin'\]: fetch it$"
    with pytest.raises(FileNotFoundError, match=told):
        whole(tmp_path, ("config.json", "vocab.json", "*.bin"), "fetch it")
    with pytest.raises(FileNotFoundError, match=r"gone lacks \['config\.json'\]: fetch it$"):
        whole(tmp_path / "gone", ["config.json"], "fetch it")
    assert there(tmp_path / "config.json", "fetch it").name == "config.json"
    with pytest.raises(FileNotFoundError, match=rf"^{tmp_path} is missing: fetch it$"):
        there(tmp_path, "fetch it")  # a folder is no file


def test_code_beside_a_model_is_not_run(tmp_path):
    """A folder whose config.json names classes of its own: transformers asks the terminal unless it is told."""
    from transformers import AutoConfig, AutoTokenizer

    from speech.loading import pretrained

    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoTokenizer": ["own.Own", None]}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": own}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Own", "auto_map": own}))
    for kind in (AutoConfig, AutoTokenizer):
        with pytest.raises(ValueError, match="trust_remote_code"):
            pretrained(kind, tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_tokenizer_alone_is_the_one_of_the_auto_classes(tmp_path):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from speech.loading import pretrained, tokenizer_of

    words = Tokenizer(WordLevel({"[UNK]": 0, "good": 1, "day": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    saved = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]")
    saved.chat_template = "{{ messages[0]['content'] }}"
    saved.save_pretrained(tmp_path)
    quick, known = tokenizer_of(tmp_path), pretrained(AutoTokenizer, tmp_path)
    assert type(quick) is type(known) is PreTrainedTokenizerFast and quick.init_kwargs == known.init_kwargs
    assert quick.backend_tokenizer.to_str() == known.backend_tokenizer.to_str()
    assert quick.encode("good new day") == [1, 0, 2] and quick.pad_token_id == known.pad_token_id == 3
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')  # which has a class of its own
    assert type(tokenizer_of(tmp_path)) is type(pretrained(AutoTokenizer, tmp_path))


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_no_loader_goes_another_way(pattern):
    files = [path for package in (*PACKAGES, "speech") for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    found = {str(path.relative_to(ROOT)) for path in files if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert found == ELSEWHERE[pattern]
