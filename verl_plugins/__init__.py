"""What verl and vLLM need beyond themselves, found through their plugin entry points (pyproject.toml).

cpu_platform     verl on a machine without accelerator     (entry point `verl.plugins`, by way of plugin.py)
vllm_cpu         vLLM's CPU build under a trainer           (entry point `vllm.general_plugins`)
replay_sampler   short polls, failed samples stop the run   (`trainer.v1.sampler.custom_sampler`)
token_credit     which token is to blame                    (`actor_rollout_ref.rollout.agent`, `algorithm.adv_estimator`)

This package is imported by all of them and so imports nothing itself.
"""
