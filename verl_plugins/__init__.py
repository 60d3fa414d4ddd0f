"""What verl and vLLM need beyond themselves, found through their plugin entry points (pyproject.toml).

cpu_platform     verl on a machine without accelerator     (entry point `verl.plugins`, by way of plugin.py)
vllm_cpu         our model class; vLLM's CPU build           (entry point `vllm.general_plugins`)
replay_sampler   cheap polls, what failed stops the run     (`trainer.v1.sampler.custom_sampler`)
rollout          sampling, long prompts, blames and terms     (`rollout.agent.agent_loop_config_path`)
advantage        advantages, which token is to blame          (`algorithm.adv_estimator`)
speech_head      a Qwen2 with CosyVoice's head               (transformers' Auto classes, vLLM's ModelRegistry)
forked_worker    Ray's workers as copies of one process      (`ray_init.runtime_env.py_executable`, on a CPU)
trainable        which parameters are trained               (`VERL_ENGINE_DEVICE`)

This package is imported by all of them and so imports nothing itself.
"""
