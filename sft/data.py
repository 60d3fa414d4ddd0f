"""Examples for the trainer: prompt and answer as ids, labels on the answer alone, batches of like lengths."""

import random
from collections.abc import Iterator
from typing import TypedDict

import pyarrow.parquet as pq
import torch
from torch.utils.data import Sampler
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from data_prep.prompt_template import encode_answer, encode_prompt
from speech.tokens import parse_speech_tokens

IGNORED = -100  # the label that torch's cross entropy leaves out


class Example(TypedDict):
    """One conversation; `prompt_length` of the `input_ids` are the prompt."""

    input_ids: list[int]
    prompt_length: int


def encode_messages(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> Example:
    """A user message and an assistant message of speech tokens -> ids.

    Raises:
        ValueError: the latter has no speech token, or other text.
    """
    *question, answer = messages
    speech_tokens, stray = parse_speech_tokens(answer["content"])
    if answer["role"] != "assistant" or stray or not speech_tokens:
        raise ValueError(f"SFT needs an assistant message of speech tokens alone, got {str(answer)[:200]}")
    prompt = encode_prompt(tokenizer, question)
    return {"input_ids": prompt + encode_answer(tokenizer, speech_tokens), "prompt_length": len(prompt)}


def load_examples(path: str, tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Example]:
    """All rows of a parquet with a column `messages`.

    Raises:
        ValueError: no rows, a row that is no conversation, or one longer than `max_length` ids.
    """
    examples: list[Example] = []
    file = pq.ParquetFile(path)
    with tqdm(total=file.metadata.num_rows, desc=f"reading {path}", mininterval=5) as bar:
        for batch in file.iter_batches(columns=["messages"]):
            for messages in batch.column("messages").to_pylist():
                example = encode_messages(tokenizer, messages)
                if len(example["input_ids"]) > max_length:
                    raise ValueError(
                        f"{path}: row {len(examples)} has {len(example['input_ids'])} ids, the model reads "
                        f"{max_length}: raise sft.model.max_position_embeddings or lower prepare.max_speech_tokens"
                    )
                examples.append(example)
            bar.update(batch.num_rows)
    if not examples:
        raise ValueError(f"{path} has no rows")
    return examples


def collate(examples: list[Example], pad_id: int) -> dict[str, torch.Tensor]:
    """input_ids and labels, int64 [batch, longest], padded on the right: causal attention then needs no mask."""
    shape = len(examples), max(len(e["input_ids"]) for e in examples)
    input_ids, labels = torch.full(shape, pad_id), torch.full(shape, IGNORED)
    for row, example in enumerate(examples):
        ids = torch.tensor(example["input_ids"])
        input_ids[row, : len(ids)] = ids
        labels[row, example["prompt_length"] : len(ids)] = ids[example["prompt_length"] :]
    return {"input_ids": input_ids, "labels": labels}


class LengthGroupedSampler(Sampler[int]):
    """Indices in an order whose runs of `batch_size` have like lengths, the runs themselves shuffled.

    transformers' own sampler leaves the runs sorted by length, which a short training feels. The order depends on seed
    and epoch alone, so that a resumed training continues with the batches that it had not seen. The rest of an epoch
    that fills no batch is left out.
    """

    def __init__(self, lengths: list[int], batch_size: int, window: int, seed: int):
        """`window`: batches among which lengths are sorted."""
        if len(lengths) < batch_size:
            raise ValueError(f"{len(lengths)} examples do not fill one batch of {batch_size}")
        self.lengths, self.batch_size, self.window, self.seed, self.epoch = lengths, batch_size, window, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) // self.batch_size * self.batch_size

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self.seed} {self.epoch}")
        order = rng.sample(range(len(self.lengths)), len(self))
        size, span = self.batch_size, self.batch_size * self.window
        grouped = [
            i for at in range(0, len(order), span) for i in sorted(order[at : at + span], key=self.lengths.__getitem__)
        ]
        batches = [grouped[at : at + size] for at in range(0, len(grouped), size)]
        rng.shuffle(batches)
        return iter([index for batch in batches for index in batch])
