"""How models are read from folders: weights are data, and no file of a folder is ever run as code.

Every loader of the project reads through these functions (tests/trainer_env/speech/test_loading.py looks for others).
FunASR's directories have one of their own, with the same rule: reward_tts/asr/funasr_directory.py.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError  # what weights_only raises
from typing import Any

import numpy as np
import torch


def there(path: str | Path, advice: str) -> Path:
    """The path itself. Raises FileNotFoundError, which ends with the advice: how to get the file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing: {advice}")
    return Path(path)


def whole(folder: str | Path, files: Sequence[str], advice: str) -> Path:
    """The folder itself, if it has these files, names or patterns of names.

    Raises:
        FileNotFoundError: names those that it lacks, and ends with the advice: how to get them.
    """
    if missing := [name for name in files if not any(Path(folder).glob(name))]:
        raise FileNotFoundError(f"{folder} lacks {missing}: {advice}")
    return Path(folder)


def weights_of(path: str | Path, mmap: bool = False) -> Any:
    """What torch.save wrote, on the CPU: tensors, and containers and numbers around them, nothing else.

    Args:
        path: of the file.
        mmap: tensors stay on the disk until they are read.

    Raises:
        pickle.UnpicklingError: the file would run code, or holds objects of another kind.
    """
    return torch.load(path, map_location="cpu", mmap=mmap, weights_only=True)


def array_of(path: str | Path) -> np.ndarray:
    """The numbers of a .npy, or of a tensor that torch.save wrote (.pt, .pth).

    Raises:
        ValueError: it holds something else, or would run code, or is of neither kind. FileNotFoundError.
    """
    path = Path(path)
    if path.suffix not in (".npy", ".pt", ".pth"):
        raise ValueError(f"{path} is no .npy and no .pt")
    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            found = weights_of(path)
            if not isinstance(found, torch.Tensor):
                raise ValueError(f"it holds {type(found).__name__}, not one tensor")
            found = (found.float() if found.dtype in (torch.bfloat16, torch.float16) else found).numpy()
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError, RuntimeError, UnpicklingError) as error:
        raise ValueError(f"{path} is no array of numbers: {str(error)[:200]}") from None
    if found.dtype.kind not in "iuf":
        raise ValueError(f"{path} is no array of numbers but of {found.dtype}")
    return found


def pretrained(kind: Any, folder: str | Path, **options: Any) -> Any:
    """kind.from_pretrained(folder, **options) of one of transformers' Auto classes, without the folder's own code.

    Args:
        kind: AutoTokenizer, AutoModelForCausalLM, ...
        folder: Hugging Face directory.
        options: of from_pretrained.

    Raises:
        ValueError: the folder's model exists as code of its own only.
    """
    return kind.from_pretrained(folder, trust_remote_code=False, **options)


def tokenizer_of(folder: str | Path) -> Any:
    """As pretrained(AutoTokenizer, folder). Of a folder that has a tokenizer alone, and of the class that is all in its
    tokenizer.json, without the Auto classes: their import takes 1.7 CPU seconds, most of them torch._dynamo's.

    Raises:
        ValueError: as `pretrained`. FileNotFoundError: tokenizer_config.json is missing.
    """
    named = json.loads(Path(folder, "tokenizer_config.json").read_text(encoding="utf-8"))
    alone = "auto_map" not in named and not Path(folder, "config.json").exists()
    if alone and named.get("tokenizer_class") == "TokenizersBackend":
        from transformers import PreTrainedTokenizerFast as kind
    else:
        from transformers import AutoTokenizer as kind
    return pretrained(kind, folder)
