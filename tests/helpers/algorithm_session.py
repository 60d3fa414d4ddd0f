"""Several algorithms one after another in one run of verl: what test_algorithms.py starts as a process of its own.

    python tests/helpers/algorithm_session.py --config-path <recipe> --config-name grpo +recipe.session=FILE [overrides]

FILE is JSON: {name: [overrides]}. Starting Ray, the actor, the reference model and vLLM takes a minute and a half, and
none of it depends on the algorithm. So they are started once, with verl's own trainer, and each algorithm then trains
its steps with them: its configuration composed as run.sh does it, verl's own replay buffer, rewards, advantages and
loss made anew from it. Metrics of each go to recipe.work_dir/session/NAME.jsonl.
"""

import json
import os
import shutil
import time
from functools import partial
from pathlib import Path

import hydra
import ray
from omegaconf import DictConfig, OmegaConf
from verl.experimental.reward_loop import RewardLoopManager
from verl.trainer.main_ppo import run_ppo
from verl.trainer.ppo.utils import need_reference_policy
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.utils.config import omega_conf_to_dataclass, validate_config
from verl.utils.device import auto_set_device
from verl.workers.utils.losses import ppo_loss


class Trainer(PPOTrainerSync):
    """verl's synchronous trainer, which can be told to go on with another configuration on the same processes."""

    def become(self, config: DictConfig) -> None:
        """All that verl's __init__ and _setup derive from the algorithm; the workers stay."""
        reward_before = OmegaConf.to_container(self.config.reward.custom_reward_function, resolve=True)
        PPOTrainerSync.__init__(self, config)
        assert not self.use_reference_policy or "ref" in self.resource_roles, "the first configuration has no reference"
        self._init_dataloader()
        self._init_dump_executor()
        self.actor_rollout_wg.set_loss_fn(
            partial(ppo_loss, config=omega_conf_to_dataclass(config.actor_rollout_ref.actor))
        )
        reward = OmegaConf.to_container(config.reward.custom_reward_function, resolve=True)
        self.reward_changed = reward != reward_before
        if self.reward_changed:
            self._free_names_of_reward_workers()
            self.reward_loop_manager = RewardLoopManager(config=config, rm_resource_pool=None)
        self.global_steps = 0

    def _free_names_of_reward_workers(self) -> None:
        """verl gives its reward workers fixed names, and Ray frees a name a moment after the actor was killed."""
        for worker in self.reward_loop_manager.reward_loop_workers:
            ray.kill(worker)
        while any(name.startswith("reward_loop_worker_") for name in ray.util.list_named_actors()):
            time.sleep(0.1)

    @property
    def resource_roles(self) -> str:
        """Names of the worker roles that are running, such as actor_rollout_ref."""
        return " ".join(str(role) for role in self.role_worker_mapping)


@ray.remote
class Session:
    """In the place of verl's TaskRunnerV1."""

    def run(self, config: DictConfig) -> None:
        """Trains with each configuration of the session, beginning with what `config` started."""
        import transfer_queue as tq
        from verl.trainer.ppo.v1 import AgentLoopManagerTQ

        session = json.loads(Path(config.recipe.session).read_text())
        folder = Path(config.recipe.work_dir) / "session"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config.transfer_queue.enable = True
        OmegaConf.resolve(config)
        tq.init(config.transfer_queue)
        try:
            trainer = Trainer(config)
            trainer.init()
            agents = None
            for name, overrides in session.items():
                chosen = composed(config, overrides)
                trainer.become(chosen)
                if agents is None or trainer.reward_changed:
                    agents = AgentLoopManagerTQ.create(
                        config=chosen,
                        llm_client=trainer.get_llm_client(),
                        teacher_client=None,
                        reward_loop_worker_handles=trainer.get_reward_handles(),
                    )
                os.environ["VERL_FILE_LOGGER_PATH"] = str(folder / f"{name}.jsonl")
                trainer.fit(agents)
                print(f"[session] {name}: done", flush=True)
        finally:
            tq.close()


def composed(started: DictConfig, overrides: list[str]) -> DictConfig:
    """A configuration of the session, checked as verl's main_ppo does."""
    from stages.config import compose_stage

    config = compose_stage(started.recipe.name, "grpo", tuple(overrides)).copy()
    OmegaConf.set_struct(config, False)
    config.transfer_queue.enable = True
    config.trainer.device = started.trainer.device
    OmegaConf.resolve(config)
    validate_config(config=config, use_reference_policy=need_reference_policy(config), use_critic=False)
    return config


@hydra.main(version_base=None, config_path=None)
def main(config: DictConfig) -> None:
    """As verl.trainer.main_ppo.main."""
    auto_set_device(config)
    run_ppo(config, task_runner_class=Session)


if __name__ == "__main__":
    main()
