"""Stage `export`: recipe.merged_dir -> a directory that the official CosyVoice loads.

    python -m models.cosyvoice.to_llm_pt --config-path <recipe> --config-name export [export.dtype=bfloat16]

recipe.export_dir gets llm.pt and links to what the release holds beside its own language model. The published recipe
says that accuracy falls here. What it loses, and this does not: the head's bias (set to 0), float32 (its merge rounds
to bfloat16), and the distribution itself: in its Hugging Face model each text token has the logit 0 and so a share of
the probability, which training counts on and the official head has not. See recipes/cosyvoice2/README.md.

A checkpoint of that kind (a plain Qwen2ForCausalLM, adopted by stage `models`) becomes an llm.pt, too, with these
losses.
"""

import os
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from safetensors.torch import load_file
from transformers import AutoTokenizer, Qwen2Config

from models.cosyvoice import layout
from models.cosyvoice.layout import RESERVED
from models.cosyvoice.to_huggingface import DTYPES, TEXT_MODEL, check
from speech.faults import told_plainly
from speech.files import whole_directory
from speech.loading import pretrained, weights_of
from speech.tokens import format_speech_tokens


def read_checkpoint(folder: Path) -> layout.Tensors:
    """All tensors of a Hugging Face checkpoint, whole or in parts.

    Raises:
        FileNotFoundError: no safetensors there.
    """
    if not (files := sorted(folder.glob("*.safetensors"))):
        raise FileNotFoundError(f"no *.safetensors in {folder}: the stage `merge` makes them")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def first_speech_token(checkpoint: Path, family: layout.Family, codebook_size: int) -> int:
    """Id of `<|s_0|>` in a checkpoint's tokenizer. Rows that have no use may go on counting: runtime/triton_trtllm's
    convert_cosyvoice3_to_hf.py calls CosyVoice3's reserved_4 `<|s_6565|>`.

    Raises:
        ValueError: the family's tokens do not follow it in their order.
    """
    known = pretrained(AutoTokenizer, checkpoint).get_vocab()
    names = [format_speech_tokens([n]) for n in range(codebook_size)] + [*family.behind_codebook, *family.own_table]
    counted = [format_speech_tokens([n]) if name.startswith(RESERVED) else name for n, name in enumerate(names)]
    ids = [known.get(name, known.get(other)) for name, other in zip(names, counted, strict=True)]
    if ids[0] is None or ids != list(range(ids[0], ids[0] + len(ids))):
        raise ValueError(
            f"{checkpoint} is a plain Qwen2ForCausalLM whose tokenizer does not have {names[0]} to {names[-1]} in the "
            "family's order: it cannot be turned back"
        )
    return ids[0]


def export(source: Path, target: Path, release: Path, family: layout.Family, codebook_size: int, dtype: str) -> int:
    """Writes target/llm.pt, reads it again and compares it with the checkpoint; returns the number of tensors.

    Args:
        release: the released directory; its text model says how many rows the text embedding of a plain Qwen2 has.

    Raises:
        FileNotFoundError, ValueError: see read_checkpoint, first_speech_token and layout.to_llm_pt.
    """
    tensors = {name: value.to(DTYPES[dtype]) for name, value in read_checkpoint(source).items()}
    if layout.is_plain(tensors):
        first, text = (
            first_speech_token(source, family, codebook_size),
            Qwen2Config.from_pretrained(release / TEXT_MODEL),
        )
        tensors = layout.from_plain(tensors, first, text.vocab_size, family, codebook_size)
    torch.save(layout.to_llm_pt(tensors, family, codebook_size), target / "llm.pt")
    written = weights_of(target / "llm.pt", mmap=True)
    check(written, tensors, family, codebook_size, DTYPES[dtype])
    return len(written)


def is_language_model(file: Path) -> bool:
    """Whether that file or folder of a release is the released language model in some form, which would be heard in the
    place of the exported one: llm.pt, llm.rl.pt; vllm, which the official package makes of llm.pt when it is first
    loaded with load_vllm=True and takes from then on (cosyvoice/utils/file_utils.py, export_cosyvoice2_vllm); hf_merged
    and engines of its Triton runtime. Of other folders the package reads none but the text model's."""
    return file.name.startswith("llm") or (file.is_dir() and file.name != TEXT_MODEL)


def is_own(file: Path) -> bool:
    """Whether that file or folder of an export was written by this stage, or by official tools that loaded the export:
    vllm and hf_merged, see is_language_model; flow.decoder.estimator.*.plan, TensorRT's (load_trt=True). All else is
    somebody's, a speaker of add_zero_shot_spk in spk2info.pt as well."""
    made = (file.name.startswith("llm") and file.is_file()) or file.name in ("vllm", "hf_merged")
    return made or file.is_symlink() or file.match("flow.decoder.estimator.*.plan")


def link_release(release: Path, target: Path, final: Path) -> None:
    """Links in `target`, which will be renamed to `final`, to all of `release` but language models."""
    for file in sorted(release.iterdir()):
        if not is_language_model(file):
            os.symlink(os.path.relpath(file.resolve(), final.resolve()), target / file.name)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Stage `export`."""
    family, final = layout.family_of(cfg.export.family), Path(cfg.recipe.export_dir)
    with whole_directory(final, is_own) as target:
        release = Path(cfg.export.release)
        count = export(Path(cfg.recipe.merged_dir), target, release, family, cfg.recipe.codebook_size, cfg.export.dtype)
        link_release(release, target, final)
    print(
        f"{cfg.recipe.merged_dir} -> {final}/llm.pt: {count} tensors in {cfg.export.dtype}, equal to the checkpoint's"
    )


if __name__ == "__main__":
    main()
