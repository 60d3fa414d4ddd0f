#!/usr/bin/env bash
# GRPO on several nodes: Ray and a reward server on each of them, training driven from the first.
#
#   sbatch --nodes=2 --gpus-per-node=8 stages/slurm.sh [hydra overrides of `run.sh train` ...]
#
# Every node gives GPUS_PER_NODE - REWARD_GPUS GPUs to the training, and its last REWARD_GPUS to its reward server; the
# trainer's rollouts go to the server that has least to do. Submit from the repository's root, on a file system that all nodes see,
# when the stages before `serve` are done. Settings, from the environment:
#   RECIPE=inworld_tts (any of recipes/)  GPUS_PER_NODE (else what Slurm gave, or 8)  REWARD_GPUS=1
#   PROMPTS_PER_GPU (else the recipe's batch)
#   RAY_PORT=6379  REWARD_PORT=8001 (gRPC)  RESTARTS=5 (of each server)  WAIT_S=600  POLL_S=5
#   RAY=".venv/bin/python -m ray.scripts.scripts" (not .venv/bin/ray, which says where the checkout lay when it was installed)
#   SERVER_OVERRIDES="server.max_tokens=2000 asr.batch_size=8" (of the servers alone)
#   ADDRESSES="10.1.0.7 10.1.0.9" (of the nodes in their order, such as those of a faster network; else as names resolve)
# A step has the texts and the updates of the recipe, its preset and its overrides, rounded up to what verl can divide among
# these GPUs (stages/batch.py says what was and what is). With PROMPTS_PER_GPU it has so many texts for each training GPU,
# and one update; a job that was begun when that was 1 by default goes on with PROMPTS_PER_GPU=1. Ray and the servers listen on their nodes' addresses, and answer only those
# who know the secrets that are drawn for each job. A server that has served and ends while training goes on is started again:
# the rollouts' requests wait for it, or go to another. One that cannot come back ends the job only if it is the last.
#SBATCH --job-name=verl-tts
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
set -euo pipefail

# GPUs that a step of this job gets: as many as were asked for (4, or h200:4), else what the node has for it.
given=${SLURM_GPUS_PER_NODE:-${SLURM_GPUS_ON_NODE:-}} given=${given##*:}
recipe=${RECIPE:-inworld_tts} gpus=${GPUS_PER_NODE:-${given:-8}} reward_gpus=${REWARD_GPUS:-1}
prompts=${PROMPTS_PER_GPU:-} ray_port=${RAY_PORT:-6379} reward_port=${REWARD_PORT:-8001}
wait_s=${WAIT_S:-600} poll_s=${POLL_S:-5} restarts=${RESTARTS:-5}
read -ra ray <<<"${RAY:-.venv/bin/python -m ray.scripts.scripts}"
training_gpus=$((gpus - reward_gpus))
say() { echo "slurm.sh: $*"; }
die() { say "$*" >&2; exit 1; }
((reward_gpus > 0 && training_gpus > 0)) || die "GPUS_PER_NODE=$gpus, REWARD_GPUS=$reward_gpus: both sides need one"
((gpus <= ${given:-$gpus})) || die "GPUS_PER_NODE=$gpus, and Slurm gave $given of each node"
cd "${SLURM_SUBMIT_DIR:?submit this with sbatch, from the root of the repository}"
logs=exp/$recipe/logs/slurm-${SLURM_JOB_ID:?}${SLURM_RESTART_COUNT:+-$SLURM_RESTART_COUNT}     # a requeued job keeps its id
mkdir -p "$logs"
drawn() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
VERL_TTS_SECRET=${VERL_TTS_SECRET:-$(drawn)}
RAY_AUTH_TOKEN=${RAY_AUTH_TOKEN:-$(drawn)}     # without one, Ray 2.60 makes one on the head that no other step has
export VERL_TTS_SECRET RAY_AUTH_TOKEN RAY_AUTH_MODE=token
# `ray start` writes down in TMPDIR/ray where its cluster is, which no user can do after another one: so in a folder of the
# job's own there. Where that would make the path of Ray's longest socket longer than the 107 bytes that Linux takes, TMPDIR
# itself is kept.
tmp=${TMPDIR:-/tmp} own=${tmp%/}/vtts-$SLURM_JOB_ID
socket=/ray/session_YYYY-MM-DD_hh-mm-ss_ffffff_4194304/sockets/plasma_store
if (($(printf %s "$own$socket" | wc -c) <= 107)); then
  export RAY_TMPDIR=${RAY_TMPDIR:-$own}
elif [[ -z ${RAY_TMPDIR:-} ]]; then
  say "$own is too long for Ray's sockets: it has $tmp/ray, if no other user does; a short folder of yours: RAY_TMPDIR=..."
fi

mapfile -t nodes < <(scontrol show hostnames "${SLURM_JOB_NODELIST:?}")
head=${nodes[0]}

# One step on one node, beside the others of this job. --export=ALL: it has what is exported here, secrets too, also where
# the job was submitted with --export=NONE, which srun would take for its own.
step=(srun --export=ALL --overlap --nodes=1 --ntasks=1)
on() { "${step[@]}" --nodelist="$1" "${@:2}"; } # NODE COMMAND...

steps=()
background() { # LOG NODE COMMAND...; srun itself is the child that is stopped in the end, no shell around it
  touch "$1"
  "${step[@]}" --nodelist="$2" "${@:3}" >>"$1" 2>&1 &
  steps+=($!)
}

# poll WHAT LOG COMMAND...: until the command succeeds; a step that ends meanwhile, or WAIT_S, ends the job.
poll() {
  local deadline=$((SECONDS + wait_s)) pid
  until "${@:3}"; do
    for pid in "${steps[@]}"; do
      kill -0 "$pid" 2>/dev/null || die "a step has ended before $1; logs in $logs"
    done
    ((SECONDS < deadline)) || die "$1: not within $wait_s s; log: $2"
    sleep "$poll_s"
  done
}
ray_status() { on "$head" "${ray[@]}" status --address="$address:$ray_port" 2>/dev/null; }
ray_has() { [[ $(ray_status | grep -c '^ *1 node_') == "$1" ]]; }
servers_are_ready() {
  local node
  for node in "${nodes[@]}"; do grep -q '^READY' "$logs/serve-$node.log" || return 1; done
}

# The address by which the others know a node: as another node resolves its name. What the node itself resolves is
# 127.0.1.1 on Debian. Where names are not resolved at all, the first of its own addresses that is not its loopback.
address_of() { # NODE ANOTHER
  local found
  found=$(on "$2" getent ahostsv4 "$1" | awk '$1 !~ /^127\./ {print $1; exit}') || true
  [[ -n $found ]] || found=$(on "$1" hostname --all-ip-addresses | tr ' ' '\n' | awk '/./ && !/^127\./ && !/:/ {print; exit}')
  [[ -n $found || ${#nodes[@]} -gt 1 ]] || found=127.0.0.1 # alone, it needs no other
  [[ -n $found ]] || die "no address of $1 that $2 reaches: its name has to resolve there (getent ahostsv4 $1)"
  echo "$found"
}
# All that the job does, in a subshell that catches no signal.
job() {
  set +m # its steps stay in its process group
  told=$(.venv/bin/python -m stages.environment --recipe "$recipe" "$@")
  mapfile -t environment < <(grep -v '^#' <<<"$told")
  ((${#environment[@]} == 0)) || export "${environment[@]}" # of Ray's workers, one of which logs
  gpus_of_all=$((training_gpus * ${#nodes[@]})) before=() after=()
  if [[ -n $prompts ]]; then
    before=("data.train_batch_size=$((prompts * gpus_of_all))" 'actor_rollout_ref.actor.ppo_mini_batch_size=${data.train_batch_size}')
  else
    told=$(.venv/bin/python -m stages.batch --recipe "$recipe" --gpus "$gpus_of_all" "$@")
    mapfile -t after < <(grep -v '^#' <<<"$told")
  fi
  read -ra addresses <<<"${ADDRESSES:-}"
  for ((i = ${#addresses[@]}; i < ${#nodes[@]}; i++)); do
    found=$(address_of "${nodes[i]}" "${nodes[(i + 1) % ${#nodes[@]}]}")
    addresses+=("$found")
  done
  address=${addresses[0]}
  say "${#nodes[@]} nodes, Ray on $address:$ray_port, $training_gpus GPUs of each for training; logs in $logs"

  # --block keeps `ray start` in the foreground, so that the end of its step is its own end. Not `ray symmetric-run` (2.60):
  # that starts the head without --block, so that nothing tells when it has ended, lets Ray choose the other nodes' addresses
  # (not ADDRESSES), and has status 0 where Ray could not start. The reward servers, each of which is started again by
  # itself, would be steps beside it as they are here.
  start_ray() { # NODE OPTIONS...
    background "$logs/ray-$1.log" "$1" env CUDA_VISIBLE_DEVICES="$(seq -s, 0 $((training_gpus - 1)))" \
      "${ray[@]}" start "${@:2}" --num-gpus="$training_gpus" --block
  }
  start_ray "$head" --head --node-ip-address="$address" --port="$ray_port" --include-dashboard=false
  poll "Ray on $head" "$logs/ray-$head.log" ray_has 1
  for node in "${nodes[@]:1}"; do
    start_ray "$node" --address="$address:$ray_port"
  done

  server=("recipe.server.grpc_port=$reward_port" recipe.server.secret_env=VERL_TTS_SECRET)
  more="" servers=() lives=()
  read -ra served <<<"${SERVER_OVERRIDES:-}"
  for given in "$@"; do # the servers load and measure what the reward wants, with the voices of the training
    [[ ! $given =~ ^[+~]*(recipe[./]|reward=) ]] || served+=("$given")
  done
  export VERL_TTS_SERVER_OVERRIDES=${served[*]@Q} # of servers that the training is compared with (stages/preflight.py)
  serve() { # INDEX of the node
    background "$logs/serve-${nodes[$1]}.log" "${nodes[$1]}" \
      env CUDA_VISIBLE_DEVICES="$(seq -s, "$training_gpus" $((gpus - 1)))" \
      bash run.sh --recipe "$recipe" serve "${served[@]}" "${server[@]}" "recipe.server.host=${addresses[$1]}" \
      "recipe.server.name=serve-${nodes[$1]}" "server.devices=[$(seq -f 'cuda:%g' -s, 0 $((reward_gpus - 1)))]"
    servers[$1]=${steps[-1]} lives[$1]=$((${lives[$1]:-0} + 1))
  }
  for i in "${!nodes[@]}"; do
    serve "$i"
    ((i == 0)) || more+="${more:+,}${addresses[i]}:$reward_port"
  done
  poll "Ray on all ${#nodes[@]} nodes" "$logs/ray-*.log" ray_has "${#nodes[@]}"
  poll "the reward servers" "$logs/serve-*.log" servers_are_ready

  say "training; log: $logs/train.log"
  background "$logs/train.log" "$head" env RAY_ADDRESS="$address:$ray_port" \
    bash run.sh --recipe "$recipe" train "${server[@]}" \
    "recipe.server.host=$address" "recipe.server.more=[$more]" \
    "trainer.nnodes=${#nodes[@]}" "trainer.n_gpus_per_node=$training_gpus" \
    "${before[@]}" "$@" "${after[@]}"
  training=${steps[-1]}
  tail --pid="$training" --lines=+1 --follow "$logs/train.log" & # what it prints stands in the job's own output too

  # serve_again INDEX STATUS: a server that has served and was not asked to end is started again; another will not do better.
  serve_again() {
    local node=${nodes[$1]} ready why=""
    ready=$(grep -c '^READY' "$logs/serve-$node.log" || true)
    if (($2 == 0)); then why="was asked to end"
    elif ((ready < lives[$1])); then why="has ended (status $2) before it was ready again"
    elif ((lives[$1] > restarts)); then why="has ended ${lives[$1]} times"; fi
    if [[ -z $why ]]; then
      say "the reward server on $node has ended (status $2), start ${lives[$1]} of $restarts"
      serve "$1"
      return
    fi
    unset "servers[$1]"
    why="the reward server on $node $why; log: $logs/serve-$node.log"
    ((${#servers[@]} > 0)) || die "$why"
    say "$why; training goes on with ${#servers[@]} of ${#nodes[@]} reward servers"
  }

  while true; do
    status=0
    wait -n -p ended "${steps[@]}" || status=$?
    [[ -n ${ended:-} ]] || die "no step of this job is left; logs in $logs"
    [[ $ended != "$training" ]] || exit "$status"
    left=()
    for pid in "${steps[@]}"; do [[ $pid == "$ended" ]] || left+=("$pid"); done
    steps=("${left[@]}")
    again=
    for i in "${!servers[@]}"; do [[ ${servers[i]} != "$ended" ]] || again=$i; done
    [[ -n $again ]] || die "Ray has ended on a node (status $status); logs in $logs"
    serve_again "$again" "$status"
  done
}

# Whatever happens, no step of ours is left: all are of the job's process group, which is told again until none of it
# runs, since a process between its fork and its exec can miss a signal. The signal is caught here, where bash does
# nothing but wait: a trap of bash 5.2 that comes while it reads a `$(...)` is read as a part of that, and is lost.
runs() { ps -eo pgid=,stat= | grep -qE "^ *$1 [^Z]"; }
end() { # STATUS
  trap '' TERM INT
  while [[ -n ${!:-} ]] && runs "$!"; do
    kill -- "-$!" 2>/dev/null || true
    sleep "$poll_s"
  done
  exit "$1"
}
{ # read as a whole before any of it runs
  trap 'end 143' TERM INT
  set -m
  job "$@" &
  wait "$!" && status=0 || status=$?
  end "$status"
}
