"""verl's SFT trainer, resumed as if it had never been interrupted, and validated on all held-out rows that the GPUs
share evenly: what each process of torchrun runs.

    python -m torch.distributed.run ... -m verl_plugins.sft_trainer --config-path <recipes/NAME> --config-name sft

verl 0.9.1 saves where the rows are with each checkpoint. At the end of an epoch that place is behind the last row, and
an epoch that begins there has none: resumed from such a checkpoint, verl advances the epoch and skips all of it
(trainer/sft_trainer.py, `fit`). Only a place inside of an epoch is restored here.

Its loss on held-out rows is the mean of the batches' losses, without the rows that fill no batch: of 63 rows on 8 GPUs,
each with 4 of a batch, 32 count. Here all rows of a process are one batch, which verl parts by ids as any other, and
the loss is the mean of their labelled tokens. It is written beside the checkpoints: see sft.choose.
"""

from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from torch.utils.data import DataLoader
from verl.trainer.sft_trainer import SFTTrainer
from verl.utils import tensordict_utils as tu
from verl.utils.checkpoint import CheckpointHandler
from verl.utils.device import auto_set_device
from verl.utils.distributed import destroy_global_process_group, initialize_global_process_group

from merge.choose import LOSSES, latest, least_loss
from speech.files import append_jsonl
from verl_plugins import versions

versions.require("verl", versions.VERL, "verl_plugins/sft_trainer.py")


class WholeEpochs(CheckpointHandler):
    """Restores the place of the rows inside of an epoch alone."""

    def _load_dataloader_state(self, checkpoint_path: str) -> None:
        if self.resume_global_step % len(self.train_dataloader):
            super()._load_dataloader_state(checkpoint_path)

    def _find_latest_checkpoint(self) -> str | None:
        latest(self.default_local_dir)  # or verl would begin without a word
        return super()._find_latest_checkpoint()


class ResumableSFTTrainer(SFTTrainer):
    """verl's SFT trainer whose next epoch is whole. Raises ValueError for a checkpoint beyond the steps asked for."""

    def _build_engine(self) -> None:
        super()._build_engine()
        validate, folder = self.training_client.infer_batch, Path(self.config.trainer.default_local_dir)
        choose = OmegaConf.select(self.config, "sft.choose")
        self.engine.chooses = lambda root: {least_loss(root)} - {None} if choose == "best" else set()

        def validated(data: TensorDict) -> TensorDict | None:
            tu.assign_non_tensor(data, use_dynamic_bsz=True)  # by a number of rows verl parts a multiple of it alone
            found = validate(data)
            if self.rank == 0:
                step, loss = self.engine.lr_scheduler.last_epoch, tu.get(found, "metrics")["loss"]
                folder.mkdir(parents=True, exist_ok=True)
                append_jsonl(folder / LOSSES, [{"step": step, "loss": loss}])
            return found

        self.training_client.infer_batch = validated

    def _build_dataloader(self) -> None:
        """verl 0.9.1 reads trainer.seed nowhere: whatever it says, torch's sampler shuffles by seed 0. Held-out rows
        are one batch of each process."""
        super()._build_dataloader()
        self.train_sampler.seed = int(self.config.trainer.seed)
        if self.val_dataset:
            own = {"sampler": self.val_sampler, "collate_fn": self.collate_fn}
            self.val_dataloader = DataLoader(self.val_dataset, batch_size=len(self.val_sampler), **own)

    def _init_engine(self) -> None:
        """Of what torch draws, LoRA's first matrices and its dropout, verl seeds nothing. Each process drops out
        others; a checkpoint brings a state of its own."""
        torch.manual_seed(int(self.config.trainer.seed))
        super()._init_engine()
        torch.manual_seed(int(self.config.trainer.seed) + self.rank)

    def _build_ckpt_handler(self) -> None:
        super()._build_ckpt_handler()
        self.ckpt_handler.__class__ = WholeEpochs

    def fit(self) -> None:
        """Trains what is left; nothing where all was done."""
        done, total = self.resume_global_step, self.total_training_steps
        if done > total:
            raise ValueError(
                f"{self.config.trainer.default_local_dir} holds a checkpoint of step {done}, the configuration asks "
                f"for {total} steps (trainer.total_epochs or total_training_steps): train into another folder"
            )
        if done < total:
            super().fit()


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """As verl.trainer.sft_trainer."""
    auto_set_device(cfg)
    initialize_global_process_group()
    ResumableSFTTrainer(config=cfg).fit()
    destroy_global_process_group()


if __name__ == "__main__":
    main()
