"""Stage `prefer`, second command: preference training by DPO (arXiv 2305.18290), TRL's trainer on this project's ids.

    python -m sft.prefer --config-path <recipe> --config-name prefer

Prompts and answers are encoded as in every other stage, so TRL's own tokenising of strings is left out.
"""

import sys
from functools import wraps
from pathlib import Path
from typing import Any

import hydra
import torch
from datasets import Dataset
from omegaconf import DictConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from data_prep.prompt_template import encode_answer, encode_prompt
from models.cosyvoice.speech_head import SpeechHead
from models.trainable import freeze_all_but
from speech.faults import told_plainly
from speech.files import whole_directory
from speech.jsonl import read_all
from speech.loading import pretrained


def trainer_class(packages: str) -> type:
    """TRL's trainer for rows that have prompt_ids, chosen_ids and rejected_ids already. TRL is in a folder of its own,
    where verl does not find it: see requirements/prefer.txt.

    Raises:
        FileNotFoundError: it is not there.
    """
    if not (Path(packages) / "trl").is_dir():
        raise FileNotFoundError(f"no TRL in {packages} (prefer.packages): bash run.sh install")
    if packages not in sys.path:
        sys.path.append(packages)
    from trl import DPOTrainer

    class PreferenceTrainer(DPOTrainer):
        def _prepare_dataset(self, dataset: Dataset, *_args: object, **_kwargs: object) -> Dataset:
            return dataset

    return PreferenceTrainer


def examples(path: str, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Dataset:
    """Ids of the pairs in a file of data_prep.pairs.

    Raises:
        ValueError: no pair, or one with more than `max_length` ids.
    """
    found = []
    for row in read_all(path, lambda _, row: row, "pairs, which data_prep.pairs writes,"):
        one = {"prompt_ids": encode_prompt(tokenizer, row["messages"])}
        for side in ("chosen", "rejected"):  # the end that a model did not say is not to be learned, nor unlearned
            one[f"{side}_ids"] = encode_answer(tokenizer, row[side], row.get(f"{side}_finished", True))
        longest = len(one["prompt_ids"]) + max(len(one["chosen_ids"]), len(one["rejected_ids"]))
        if longest > max_length:
            raise ValueError(
                f"{path}: the pair of {row['text']!r} has {longest} ids, prefer.max_length is {max_length}"
            )
        found.append(one)
    if not found:
        raise ValueError(f"{path} holds no pair")
    return Dataset.from_list(found)


def count_from_its_own_head(model: PreTrainedModel) -> None:
    """TRL 1.16 takes log-probabilities from the rows of the output head, without its `forward`, and a label behind the
    last row silently counts as the logit 0. The rows of a SpeechHead begin at `head_start` of the vocabulary, so that
    labels have to count from there; beside them nothing has a probability, so the numbers are those of the model."""
    head, forward = model.get_output_embeddings(), model.forward  # TRL's, which it has put into the model
    if not isinstance(head, SpeechHead):
        return

    @wraps(forward)
    def counted(*args: Any, labels: torch.Tensor | None = None, fused_lm_head: bool = False, **kwargs: Any) -> Any:
        if fused_lm_head:
            labels = labels.where(labels == -100, labels - head.margins[0])
            if labels.max() >= head.out_features or labels.lt(0).logical_and(labels != -100).any():
                raise ValueError(f"an answer holds an id that the head cannot write: {labels.unique().tolist()[-9:]}")
        return forward(*args, labels=labels, fused_lm_head=fused_lm_head, **kwargs)

    model.forward = counted


def train(cfg: DictConfig) -> list[dict[str, float]]:
    """Trains recipe.sft_dir on the pairs and writes the Hugging Face checkpoint into prefer.output; what TRL logged."""
    own = cfg.prefer
    trainer_of = trainer_class(own.packages)
    tokenizer = pretrained(AutoTokenizer, own.model)
    rows = examples(cfg.pairs.output, tokenizer, own.max_length)
    arguments = hydra.utils.instantiate(own.training, output_dir=own.checkpoints, max_length=own.max_length)
    arguments._n_gpu = min(arguments.n_gpu, 1)  # TRL refuses one process that sees several
    model, reference = (pretrained(AutoModelForCausalLM, own.model, dtype=own.dtype) for _ in range(2))
    if arguments.precompute_ref_log_probs and isinstance(model.get_output_embeddings(), SpeechHead):
        raise ValueError("prefer.training.precompute_ref_log_probs=true is not for a head of speech alone")
    if own.trainable is not None:
        print(f"trained: {', '.join(freeze_all_but(model, own.trainable))}")
    trainer = trainer_of(
        model=model, ref_model=reference, args=arguments, train_dataset=rows, processing_class=tokenizer
    )
    for one in (model, reference):
        count_from_its_own_head(one)
    trainer.train()
    with whole_directory(own.output) as target:
        trainer.model.save_pretrained(target)
        tokenizer.save_pretrained(target)
    kept = [log for log in trainer.state.log_history if "rewards/accuracies" in log]
    said = f", the better one is preferred in {kept[-1]['rewards/accuracies']:.0%} of the last pairs" if kept else ""
    print(f"{len(rows)} pairs, {trainer.state.global_step} steps -> {own.output}{said}")
    return trainer.state.log_history


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        train(cfg)


if __name__ == "__main__":
    main()
