"""Examples for verl's SFT trainer with exactly the ids of sft/data.py: `data.custom_cls` in sft_verl_base.yaml.

verl's own MultiTurnSFTDataset applies the chat template to each message by itself and begins the loss where it guesses
that the assistant's turn begins. A family's template (a voice's text in front, an open assistant's turn with its
tokens) is not the sum of its messages' templates, so rows go through `encode_messages` here. And a data set counts as
often as its weight says (`data.epochs_of_files`).
"""

from typing import Any

import torch
from datasets import concatenate_datasets, load_dataset
from omegaconf import DictConfig, ListConfig
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from data_prep.weights import epochs_of, paths, repeated
from sft.data import encode_messages


class SpeechDataset(Dataset):
    """Rows of parquets with a column `messages`, encoded when they are asked for; memory-mapped by `datasets`."""

    def __init__(
        self,
        parquet_files: str | list[str] | ListConfig,
        tokenizer: PreTrainedTokenizerBase,
        config: DictConfig,
        processor: object | None = None,
        max_samples: int = -1,
    ):
        """
        Args:
            parquet_files: one path or several.
            tokenizer: the model's.
            config: verl's `data`: messages_key, max_length, truncation, pad_mode, and epochs_of_files, for the files in
                train_files: how often each of them is read in an epoch, or None: once.
            processor: of other modalities; none is expected.
            max_samples: only the first rows; -1 takes all.

        Raises:
            ValueError: another pad_mode or truncation than this project's, no rows, or not as many epochs as files.
        """
        if (config.pad_mode, config.truncation) != ("no_padding", "error"):
            raise ValueError(
                "data.pad_mode is no_padding and data.truncation error here, "
                f"got {config.pad_mode} and {config.truncation}"
            )
        self.files = paths(parquet_files)
        given = config.get("epochs_of_files") if self.files == paths(config.train_files) else None
        epochs = epochs_of(self.files, given)
        files = [
            load_dataset("parquet", data_files=file, split="train", columns=[config.messages_key])
            for file in self.files
        ]
        rows = concatenate_datasets([repeated(one, often) for one, often in zip(files, epochs, strict=True)])
        self.messages = rows if max_samples < 0 else rows.select(range(min(max_samples, len(rows))))
        if not len(self.messages):
            raise ValueError(f"{self.files} have no rows")
        self.key, self.tokenizer, self.max_length = config.messages_key, tokenizer, config.max_length

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, item: int) -> dict[str, Any]:
        """input_ids, position_ids and loss_mask, int64 [ids]; the mask is 1 for the answer and its end token.

        Raises:
            ValueError: a row that is no conversation, or one longer than data.max_length.
        """
        try:
            example = encode_messages(self.tokenizer, self.messages[item][self.key])
        except ValueError as error:
            raise ValueError(f"{self.files}, row {item}: {error}") from error
        ids, prompt = torch.tensor(example["input_ids"]), example["prompt_length"]
        if len(ids) > self.max_length:
            raise ValueError(
                f"{self.files}, row {item} has {len(ids)} ids, more than data.max_length={self.max_length}"
            )
        places = torch.arange(len(ids))
        return {"input_ids": ids, "position_ids": places, "loss_mask": (places >= prompt).long()}
