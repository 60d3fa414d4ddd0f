#!/usr/bin/env bash
# Stage install: the two environments, by uv from pinned requirements.
# Arguments: [--dry-run] [--force] [--only trainer|reward] RECIPE...   (--only: for an image of one environment)
#   VERL_TTS_DEVICE=cpu|gpu  instead of what nvidia-smi says     VERL_TTS_PYTHON=3.11  the Python of both environments
#   UV_TORCH_BACKEND=cpu     uv's own switch: torch's small CPU build from torch's own index instead of PyPI's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "run.sh: install: $*"; }
die() { say "$*" >&2; exit 1; }

dry_run="" force="" only=""
while [[ ${1:-} == --* ]]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    --force) force=yes ;;
    --only) only=$2; shift ;;
  esac
  shift
done
[[ -z $only || $only == trainer || $only == reward ]] || die "--only $only: trainer or reward"
recipes=("$@")
python=${VERL_TTS_PYTHON:-3.11}
device=${VERL_TTS_DEVICE:-$([[ $(nvidia-smi -L 2>/dev/null) == *GPU* ]] && echo gpu || echo cpu)}
[[ $device == cpu || $device == gpu ]] || die "VERL_TTS_DEVICE=$device: cpu or gpu"
oldest_driver=580     # of CUDA 13, which torch and vLLM of requirements/constraints-trainer-gpu.txt are built for
if [[ $device == gpu ]] && driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null); then
  driver=${driver%%$'\n'*}
  [[ ${driver%%.*} -ge $oldest_driver ]] ||
    die "the NVIDIA driver here is $driver; CUDA 13 needs $oldest_driver or newer: update it, or VERL_TTS_DEVICE=cpu"
fi

# The environment must be made again when any of these changes. The mark lies in it, so that it goes with it.
trainer=(-r requirements.txt -r "requirements/trainer-$device.txt" -c "requirements/constraints-trainer-$device.txt")
[[ $device == gpu ]] || trainer+=(--override requirements/override-cpu.txt)
reward=(-r requirements-reward.txt -c requirements/constraints-reward.txt)
hash_of() { { echo "$device $python"; cat /dev/null "$@"; } | sha256sum | cut -d' ' -f1; }
own_hashes=() bare=()
for recipe in "${recipes[@]}"; do
  files=()
  [[ $recipe == /* ]] && folder=$recipe || folder=recipes/$recipe
  if [[ -f $folder/requirements.txt ]]; then
    files+=("$folder/requirements.txt")
    reward+=(-r "$folder/requirements.txt")
  fi
  if [[ -f $folder/requirements-no-deps.txt ]]; then
    files+=("$folder/requirements-no-deps.txt")
    bare+=(-r "$folder/requirements-no-deps.txt")
  fi
  own_hashes+=("$(hash_of "${files[@]}")")
done

# Runs a command, or with --dry-run prints it.
run() { if [[ -n $dry_run ]]; then printf '%q ' "$@"; echo; else "$@"; fi; }

# uv: the one that is there, else a pinned one into .venv-uv (pip --target also works where Debian guards its own pip).
find_uv() {
  uv=$(command -v uv || true)
  [[ -z $uv || ! $("$uv" --version 2>/dev/null) ]] || return 0
  uv=.venv-uv/bin/uv
  [[ ! -x $uv ]] || return 0
  command -v python3 >/dev/null || die "python3 is missing. As root: apt-get install -y python3 python3-pip"
  python3 -m pip --version >/dev/null 2>&1 || die "uv and pip are missing. As root: apt-get install -y python3-pip"
  run python3 -m pip install --quiet --root-user-action ignore --target .venv-uv -r requirements/uv.txt
}

# Packages that pip is told to find elsewhere, uv is told too.
pip_settings() {
  local links index
  links=${PIP_FIND_LINKS:-$(python3 -m pip config get global.find-links 2>/dev/null || true)}
  index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
  [[ -z $links || $device == gpu ]] || export UV_FIND_LINKS=${UV_FIND_LINKS:-${links// /,}}
  [[ -z $index ]] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
}

# as_pinned FOLDER HASH...: whether the packages behind each hash are there. The mark's first line is what all recipes
# share; the others are the recipes' own, which add to each other.
as_pinned() {
  local mark=$1/installed.sha256 hash
  [[ -f $mark && $(head -n 1 "$mark") == "$2" ]] || return 1
  for hash in "${@:2}"; do grep -qx "$hash" "$mark" || return 1; done
}

# remember FOLDER HASH...: writes the mark, and for which device the folder's builds are.
remember() {
  local mark=$1/installed.sha256
  echo "$device" >"$1/installed.device"
  [[ -f $mark && $(head -n 1 "$mark") == "$2" ]] || echo "$2" >"$mark"
  printf '%s\n' "${@:3}" >>"$mark"
}

# environment FOLDER "HASH..." REQUIREMENTS...: brings a folder's packages to the pinned state, if they are not.
environment() {
  local folder=$1 hashes
  read -ra hashes <<<"$2"
  shift 2
  if [[ -z $force$dry_run ]] && as_pinned "$folder" "${hashes[@]}"; then
    say "$folder is as pinned"
    return
  fi
  [[ -n ${uv:-} ]] || { find_uv; pip_settings; }
  say "$folder for $device, Python $python (some minutes, mostly downloads)"
  # One device's builds satisfy the other's pins, and vLLM's two would lie over each other.
  if [[ -f $folder/installed.device && $(<"$folder/installed.device") != "$device" ]]; then
    say "$folder has builds for $(<"$folder/installed.device"): it is made anew"
    run rm -rf "$folder"
  fi
  [[ ! -L $folder || -e $folder ]] || die "$folder is a link to $(readlink "$folder"), which is not there: remove it (rm $folder)"
  [[ -x $folder/bin/python ]] || run "$uv" venv --quiet --python "$python" "$folder" ||
    die "$folder could not be made; the reason is above. If it is that Python $python is missing: as root" \
      "apt-get install -y python$python, or choose the one that is here: VERL_TTS_PYTHON=3.12"
  run "$folder/bin/python" stages/machine.py
  {
    run "$uv" pip install --python "$folder" "$@" &&
      { [[ $folder != .venv-reward || ${#bare[@]} == 0 ]] || run "$uv" pip install --python "$folder" --no-deps "${bare[@]}"; } &&
      { [[ $folder != .venv ]] || run "$uv" pip install --quiet --python "$folder" --target "$folder/prefer" --no-deps -r requirements/prefer.txt; } &&
      run "$uv" pip install --quiet --python "$folder" --no-deps --editable .
  } || die "packages for $folder could not be installed; the reason is above. If this machine is offline, connect it, or" \
    "point pip at a folder of wheels (PIP_FIND_LINKS) or a mirror (PIP_INDEX_URL). What is there already is kept."
  [[ -n $dry_run ]] || remember "$folder" "${hashes[@]}"
}

[[ $only == reward ]] || environment .venv "$(hash_of requirements.txt requirements/*trainer-"$device".txt requirements/override-cpu.txt requirements/prefer.txt pyproject.toml)" \
  "${trainer[@]}"
[[ $only == trainer ]] || environment .venv-reward "$(hash_of requirements-reward.txt requirements/constraints-reward.txt pyproject.toml) ${own_hashes[*]}" \
  "${reward[@]}"
