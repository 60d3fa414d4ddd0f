"""What verl and vLLM need beyond themselves, found through their plugin entry points (pyproject.toml).

plugin           registers the first and applies the second        (entry point `verl.plugins`)
cpu_platform     verl on a machine without accelerator
patches          what verl, and Ray for it, need and have no hook for
vllm_cpu         our model class; vLLM's CPU build                  (entry point `vllm.general_plugins`)
versions         guards for code that leans on another's inside

rollout          sampling, long prompts, blames and terms           (`rollout.agent.agent_loop_config_path`)
advantage        advantages, which token is to blame                (`algorithm.adv_estimator`)
annealing        clip bounds, temperature that change with the step (`actor.policy_loss`)
weighted_data    data sets that count more or less often            (`data.custom_cls`)
trainable        which parameters are trained                       (`VERL_ENGINE_DEVICE`)
schedule         the learning rate of a resumed training
sft_trainer      verl's SFT trainer, resumed                        (sft/verl_train.py runs it)
forked_worker    Ray's workers as copies of one process             (`ray_init.runtime_env.py_executable`, on a CPU)

replay_sampler   cheap polls, what failed stops the run             (`trainer.v1.sampler.custom_sampler`)
queue_polls      its look at verl's queue
liveness         its look at verl's workers
group_filter     its dynamic sampling                               (`algorithm.filter_groups`)
reward_metrics   terms and sound of a batch, their drift            (its `observers`, as the next two)
rollout_audio    some rollouts to listen to
guard            an ASR of another family beside the reward's
evidence         the guard's test

Our model class is models/cosyvoice/speech_head.py. This package is imported by all of them and so imports nothing
itself.
"""
