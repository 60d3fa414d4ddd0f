"""GLM-TTS's released language model <-> what verl and vLLM read.

    python -m models.glm_tts.convert --config-path <recipe> --config-name convert  # released -> recipe.sft_dir
    python -m models.glm_tts.convert --config-path <recipe> --config-name export  # recipe.merged_dir -> released

The released model (zai-org/GLM-TTS on the hubs; loaded by glmtts_inference.py and llm/glmtts.py of the repository of
that name) is a Llama in Hugging Face's format, `llm/`, so its weights are copied as they are. What differs is the
tokenizer, `vq32k-phoneme-tokenizer/`: a tiktoken file of ranks with Python code around it, in which speech token N is
`<|audio_N|>`, the token before speech is `<|begin_of_audio|>`, and speech ends with `<|user|>`. Here the same ranks and
the same added tokens become a tokenizer.json; ids stay what they are, and `<|audio_N|>` is called `<|s_N|>`.

Published prompt: ids of (prompt text + " "), ids of the text, begin_of_audio, ids of its speech. Both texts are
encoded on their own: models/boundary.py.
"""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from models.boundary import BOUNDARY, cut_at_boundaries
from models.glm_tts.dictionary import read_phonemes
from speech.faults import told_plainly
from speech.files import whole_directory
from speech.loading import there, weights_of

LLM, TOKENIZER = "llm", "vq32k-phoneme-tokenizer"  # folders of the release
SPEECH_START, SPEECH_END, PAD = "<|begin_of_audio|>", "<|user|>", "<|endoftext|>"
_AUDIO = re.compile(r"<\|audio_(\d+)\|>")
Shapes = dict[str, tuple[int, ...]]
_LLAMA = "llama."  # before each of the Llama's names in the class that GLM-TTS trains (llm/glmtts.py)

# User turns are joined by BOUNDARY; then speech begins. An assistant's turn is speech, and stays open for the model to
# go on with unless the conversation is complete, as in SFT.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{%- if loop.first or messages[loop.index0 - 1]['role'] != 'assistant' %}{{- '<|begin_of_audio|>' }}{%- endif %}"
    "{{- message['content'] }}"
    "{%- if loop.last and not add_generation_prompt %}{{- '<|user|>' }}{%- endif %}"
    "{%- else %}"
    "{%- if not loop.first %}{{- '" + BOUNDARY + "' }}{%- endif %}{{- message['content'] }}"
    "{%- if loop.last and add_generation_prompt %}{{- '<|begin_of_audio|>' }}{%- endif %}"
    "{%- endif %}"
    "{%- endfor %}"
)


def convert(
    released: Path, target: Path, codebook_size: int, phonemes: Iterable[str] = (), trained: Path | None = None
) -> None:
    """Writes weights, configuration and tokenizer into `target`, an empty directory. `phonemes`: names of those that
    texts may hold. `trained`: weights in place of the release's, see `read_trained`.

    Raises:
        FileNotFoundError: a file of the release, or `trained`, is missing.
        ValueError: it is no Llama, its tokenizer is not built as described above, or lacks a phoneme; or `trained`
            holds other tensors than the release.
    """
    tokenizer = build_tokenizer(released / TOKENIZER, codebook_size)
    vocabulary = tokenizer.get_vocab()
    if missing := sorted(name for name in phonemes if f"<|{name}|>" not in vocabulary):
        raise ValueError(f"{released / TOKENIZER} lacks the phonemes {missing[:10]}: see recipe.phoneme_in.phonemes")
    config = _llama_config(released / LLM)
    if config["vocab_size"] < len(tokenizer):
        raise ValueError(f"{released / LLM}: {config['vocab_size']} embeddings for {len(tokenizer)} tokens")
    if trained:
        tensors = read_trained(trained, released / LLM)
        save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
        config |= {"dtype": str(next(iter(tensors.values())).dtype).removeprefix("torch.")}
        config.pop("torch_dtype", None)
    else:
        _copy_weights(released / LLM, target)
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    _write_json(target / "config.json", config | ids)
    _write_json(target / "generation_config.json", {"_from_model_config": False} | ids)
    tokenizer.save_pretrained(target)


def read_trained(file: Path, llm: Path) -> dict[str, torch.Tensor]:
    """The Llama's tensors, by the names of the release's folder `llm`, of a file that GLM-TTS's own training leaves
    (cosyvoice/utils/train_utils_grpo.py, save_model): {"model_state_dict": ...} of torch_ddp; {"module": ...} of
    DeepSpeed (mp_rank_00_model_states.pt); or the state itself, as DeepSpeed's zero_to_fp32 writes it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: other tensors than the release's, or other shapes, such as a LoRA adapter alone.
    """
    state = weights_of(there(file, "convert.trained names it"), mmap=True)
    state = state.get("model_state_dict", state.get("module", state))
    found = {name.removeprefix(_LLAMA): tensor for name, tensor in state.items() if name.startswith(_LLAMA)}
    shapes = _shapes(llm)
    if "lm_head.weight" not in shapes:  # tied
        found.pop("lm_head.weight", None)
    _check_same({name: tuple(tensor.shape) for name, tensor in found.items()}, shapes, file, llm)
    return {name: tensor.contiguous() for name, tensor in found.items()}


def build_tokenizer(folder: Path, codebook_size: int) -> PreTrainedTokenizerFast:
    """tokenizer.model (base64 of the bytes and rank, a line each) and the added tokens of tokenizer_config.json.

    Raises:
        FileNotFoundError: one of the two is missing.
        ValueError: a special token or a speech token is missing, or ids do not come out as published.
    """
    ranks, settings = folder / "tokenizer.model", folder / "tokenizer_config.json"
    for file in (ranks, settings):
        there(file, "bash run.sh --recipe glm_tts models fetches it")
    published = {int(i): token for i, token in json.loads(settings.read_text())["added_tokens_decoder"].items()}
    _check_added(published, codebook_size, settings)
    tokenizer = TikTokenConverter(vocab_file=str(ranks)).converted()  # its pattern is ChatGLM4Tokenizer's
    cut_at_boundaries(tokenizer)
    names = {i: _AUDIO.sub(r"<|s_\1|>", token["content"]) for i, token in sorted(published.items())}
    tokenizer.add_tokens([_added(name, published[i]) for i, name in names.items()])
    _check_ids(tokenizer, names, settings)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=SPEECH_END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def _added(name: str, published: dict[str, Any]) -> AddedToken:
    """Speech tokens are not special, so that a decoder that skips special tokens keeps them."""
    special = published.get("special", True) and not name.startswith("<|s_")
    flags = {flag: bool(published.get(flag, False)) for flag in ("lstrip", "rstrip", "single_word")}
    return AddedToken(name, normalized=False, special=special, **flags)


def _check_added(published: dict[int, Any], codebook_size: int, where: Path) -> None:
    ids = {token["content"]: i for i, token in published.items()}
    if missing := [name for name in (SPEECH_START, SPEECH_END, PAD) if name not in ids]:
        raise ValueError(f"{where}: added_tokens_decoder lacks {missing}; is this GLM-TTS's tokenizer?")
    first = ids.get("<|audio_0|>")
    audio = {int(match[1]): i for name, i in ids.items() if (match := _AUDIO.fullmatch(name))}
    if audio != {n: (first or 0) + n for n in range(codebook_size)}:
        raise ValueError(
            f"{where}: expected <|audio_0|> to <|audio_{codebook_size - 1}|> at ids on end (recipe.codebook_size="
            f"{codebook_size}), found {len(audio)} of them, the first at {first}"
        )


def _check_ids(tokenizer: Tokenizer, names: dict[int, str], where: Path) -> None:
    for i, name in names.items():
        if tokenizer.token_to_id(name) != i:
            raise ValueError(
                f"{where}: {name} has the id {i} there and {tokenizer.token_to_id(name)} here: the ranks of "
                "tokenizer.model and the added tokens leave no hole and do not overlap in the tokenizer known here"
            )


def export(checkpoint: Path, released: Path, target: Path) -> None:
    """Writes the release's `llm` folder with the weights of `checkpoint`: what glmtts_inference.py loads in its place.

    Raises:
        FileNotFoundError: no such checkpoint, or no release to take the configuration from.
        ValueError: the two do not hold the same tensors in the same shapes.
    """
    _llama_config(checkpoint)
    _check_same(_shapes(checkpoint), _shapes(released / LLM), checkpoint, released / LLM)
    folder = target / LLM
    folder.mkdir()
    _copy_weights(checkpoint, folder)
    dtype = json.loads((checkpoint / "config.json").read_text()).get("dtype")
    config = json.loads((released / LLM / "config.json").read_text())
    kept = {key: dtype if key in ("dtype", "torch_dtype") and dtype else value for key, value in config.items()}
    _write_json(folder / "config.json", kept)


def _llama_config(folder: Path) -> dict[str, Any]:
    config = json.loads(there(folder / "config.json", "no Hugging Face checkpoint there").read_text())
    if config.get("model_type") != "llama":
        raise ValueError(f"{folder / 'config.json'}: model_type is {config.get('model_type')!r}, expected llama")
    return config


def _weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder}: no *.safetensors")
    return files


def _shapes(folder: Path) -> Shapes:
    shapes = {}
    for file in _weight_files(folder):
        with safe_open(file, "pt") as tensors:
            shapes |= {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    return shapes


def _check_same(ours: Shapes, theirs: Shapes, one: Path, release: Path) -> None:
    if ours != theirs:
        differ = sorted(name for name in set(ours) | set(theirs) if ours.get(name) != theirs.get(name))
        raise ValueError(
            f"{one} is no GLM-TTS as {release} is: {differ[:5]} differ. What is not taken of a LoRA and of DeepSpeed: "
            "docs/left_out.md"
        )


def _copy_weights(source: Path, target: Path) -> None:
    for file in tqdm([*_weight_files(source), *source.glob("*.safetensors.index.json")], desc=f"copying {source}"):
        shutil.copyfile(file, target / file.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    released = Path(cfg.recipe.pretrained_dir)
    if cfg.direction == "convert":
        with whole_directory(cfg.recipe.sft_dir) as target:
            phonemes = read_phonemes(cfg.recipe.phoneme_in.phonemes) if cfg.recipe.phoneme_in else ()
            trained = Path(cfg.convert.trained) if cfg.convert.trained else None
            convert(released, target, cfg.recipe.codebook_size, phonemes, trained)
        print(f"{trained or released / LLM} -> {cfg.recipe.sft_dir}")
    elif cfg.direction == "export":
        with whole_directory(cfg.recipe.export_dir, lambda file: file.name == LLM) as target:
            export(Path(cfg.recipe.merged_dir), released, target)
        print(f"{cfg.recipe.merged_dir} -> {cfg.recipe.export_dir}/{LLM}")
    else:
        raise ValueError(f"direction is convert or export, got {cfg.direction!r}")


if __name__ == "__main__":
    main()
