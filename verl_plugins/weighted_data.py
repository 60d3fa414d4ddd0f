"""Data sets that count more or less often than once in an epoch of GRPO, as `data.epochs_of_files` does in SFT.

verl takes the class by data.custom_cls; data.epochs_of_files has a number for each of data.train_files. Prompts that
others prepared, with the token that starts speech in them, are read as our own.
"""

from typing import Any

import numpy as np
from verl.utils.dataset.rl_dataset import RLHFDataset

from data_prep.prompt_template import opened_once
from data_prep.weights import epochs_of, paths, repeated


class WeightedPrompts(RLHFDataset):
    """verl's own data set of prompts, with floor(epochs x rows) rows of each training file; validation as it is."""

    def _read_files_and_tokenize(self) -> None:
        names, epochs = paths(self.config.train_files), self.config.get("epochs_of_files")
        if epochs is None or list(self.original_data_files) != names:
            return super()._read_files_and_tokenize()
        epochs = epochs_of(names, epochs)
        from datasets import concatenate_datasets, load_dataset

        files: list[Any] = [load_dataset("parquet", data_files=file)["train"] for file in self.data_files]
        rows = concatenate_datasets([repeated(one, often) for one, often in zip(files, epochs, strict=True)])
        self.dataframe = rows if not 0 < self.max_samples < len(rows) else rows.select(self._drawn(len(rows)))
        self.dataframe = self.maybe_filter_out_long_prompts(self.dataframe)
        print(f"dataset len: {len(self.dataframe)}, of {len(files)} files {epochs} times")
        return None

    def _build_messages(self, example: dict[str, Any], key: str) -> list[dict[str, Any]]:
        return opened_once(super()._build_messages(example, key), self.tokenizer)

    def _drawn(self, count: int) -> list[int]:
        """Which rows of so many data.train_max_samples leaves, as verl draws them: of all files."""
        if not self.shuffle:
            return list(range(self.max_samples))
        return np.random.default_rng(self.seed).choice(count, size=self.max_samples, replace=False).tolist()
