#!/usr/bin/env bash
# Stage install: the two environments, by uv from pinned requirements.
# Arguments: [--dry-run] [--force] [--only reward] RECIPE...   (--only reward: for an image of the server alone)
#   VERL_TTS_DEVICE=cpu|gpu  the builds      VERL_TTS_PYTHON=3.11  the Python of both environments
#   VERL_TTS_MACHINE=cpu|gpu  of run.sh: what its overrides (machine=...) make of the recipe's own choice
# Where one is not set, environments that are there stay as they are; new ones have what nvidia-smi says, and Python 3.11.
#   UV_TORCH_BACKEND=cpu     uv's own switch: torch's small CPU build from torch's own index instead of PyPI's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "run.sh: install: $*"; }
die() { say "$*" >&2; exit 1; }
refuse() { say "$*" >&2; [[ -n $dry_run ]] || exit 1; }     # which hinders nobody from looking at the commands

dry_run="" force="" only=""
while [[ ${1:-} == --* ]]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    --force) force=yes ;;
    --only) only=$2; shift ;;
  esac
  shift
done
[[ -z $only || $only == reward ]] || die "--only $only: reward"
recipes=("$@")
# for_cpus RECIPE...: whether the command line, or else all of them themselves, choose the CPU.
for_cpus() {
  local recipe
  case ${VERL_TTS_MACHINE:-} in cpu) return 0 ;; gpu) return 1 ;; esac
  for recipe in "$@"; do
    grep -qsE '^ *- *(override +)?/?machine: *["'\'']?cpu\b' "$(folder_of "$recipe")/recipe.yaml" || return 1
  done
}
folder_of() { if [[ $1 == /* ]]; then echo "$1"; else echo "recipes/$1"; fi; }

folders=(.venv .venv-reward)
[[ $only != reward ]] || folders=(.venv-reward)

# An environment that is made anew lies aside, as FOLDER.before, until the new one is whole: whatever ends this script
# before that puts it back, and a script that was killed leaves that to the next one. A link is moved, not what it shows.
is_there() { [[ -e $1 || -L $1 ]]; }
aside=""
put_back() {
  [[ -n $aside ]] && is_there "$aside.before" || return 0
  rm -rf "$aside"
  mv "$aside.before" "$aside"
  say "$aside is what it was before"
}
trap put_back EXIT
if [[ -z $dry_run ]] && : 2>/dev/null >>.venv.lock; then     # a checkout that is only read has nothing to wait for
  exec {lock}>>.venv.lock
  held=0
  flock --nonblock "$lock" || held=$?
  case $held in
    0) ;;
    1) say "waiting for another install in this folder"; flock "$lock" ;;
    *) say "this folder cannot be locked: start no other install in it" ;;      # a file system without flock
  esac
fi
for folder in "${folders[@]}"; do
  [[ -z $dry_run ]] && is_there "$folder.before" || continue
  if [[ -f $folder/installed.sha256 ]]; then rm -rf "$folder.before"; else aside=$folder; put_back; aside=""; fi
done

# version_of PYTHON: 3.11 of what uv would take for it: 3.11.9, python3.11, a path. As it is where that cannot be told.
version_of() {
  local found=$1
  if [[ $1 =~ ^(cpython|python)?[@-]?([0-9]+\.[0-9]+)(\.[0-9]+)?$ ]]; then found=${BASH_REMATCH[2]}
  elif [[ -d $1 ]]; then found=$(said_by "$1/bin/python")
  elif command -v "$1" >/dev/null; then found=$(said_by "$1"); fi
  echo "${found:-$1}"
}
said_by() { "$1" -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null || true; }
# built_for FOLDER, python_of FOLDER: what an environment was made for, and with; nothing of one that is not there.
built_for() { cat "$1/installed.device" 2>/dev/null || true; }
python_of() {
  if [[ -f $1/installed.python ]]; then version_of "$(<"$1/installed.python")"
  else said_by "$1/bin/python"; fi
}
asked_of() { cat "$1/installed.python" 2>/dev/null || said_by "$1/bin/python"; }     # a path too, as it was given
# first_of FUNCTION: of the environments that are there. A command without the variable must not undo one that had it.
first_of() {
  local folder found
  for folder in "${folders[@]}"; do
    found=$("$1" "$folder")
    [[ -z $found ]] || { echo "$found"; return; }
  done
}
python=${VERL_TTS_PYTHON:-$(first_of asked_of)}
python=${python:-3.11}
version=$(version_of "$python")
here=$([[ $(nvidia-smi -L 2>/dev/null) == *GPU* ]] && echo gpu || echo cpu)
device=${VERL_TTS_DEVICE:-$(first_of built_for)}
if [[ $here == gpu && -z ${VERL_TTS_DEVICE:-} ]]; then     # before gigabytes are downloaded that are of no use
  if [[ -z $device ]] && for_cpus "${recipes[@]}"; then
    device=cpu here=cpu
    say "${recipes[*]} is configured for the CPU, and so are its environments. To train it on the GPU that is here: export" \
      "VERL_TTS_DEVICE=gpu before it is installed, and then as docs/gpus.md says (machine=gpu)"
  fi
  if [[ $device == cpu ]] && ! for_cpus "${recipes[@]}"; then
    refuse "the environments here are for the CPU, and ${recipes[*]} is configured for GPUs: export VERL_TTS_DEVICE=gpu makes them" \
      "anew, VERL_TTS_DEVICE=cpu leaves them; or use another clone of this repository"
  fi
fi
device=${device:-${VERL_TTS_MACHINE:-$here}}
if [[ $here$device == cpucpu && -z ${VERL_TTS_DEVICE:-} ]] && ! for_cpus "${recipes[@]}"; then
  say "no GPU is here, the environments are for the CPU, and ${recipes[*]} is configured for GPUs: where another machine trains," \
    "export VERL_TTS_DEVICE=gpu; machine=cpu says that it is meant"
fi
[[ $device == cpu || $device == gpu ]] || die "VERL_TTS_DEVICE=$device: cpu or gpu"
[[ -n ${VERL_TTS_DEVICE:-} || $device == "$here" ]] ||
  say "the environments stay those for $device, as they were made; others: VERL_TTS_DEVICE=$here bash run.sh install"
oldest_driver=580     # of CUDA 13, which torch and vLLM of requirements/constraints-trainer-gpu.txt are built for
if [[ $device == gpu ]] && driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null); then
  driver=${driver%%$'\n'*}
  [[ ${driver%%.*} -ge $oldest_driver ]] ||
    refuse "the NVIDIA driver here is $driver; CUDA 13 needs $oldest_driver or newer: update it, or VERL_TTS_DEVICE=cpu"
fi

# The environment must be made again when any of these changes. The mark lies in it, so that it goes with it.
trainer=(-r requirements.txt -r "requirements/trainer-$device.txt" -c "requirements/constraints-trainer-$device.txt")
[[ $device == gpu ]] || trainer+=(--override requirements/override-cpu.txt)
reward=(-r requirements-reward.txt -c requirements/constraints-reward.txt)
hash_of() { { echo "$device $version"; cat /dev/null "$@"; } | sha256sum | cut -d' ' -f1; }
own_hashes=() bare=()
for recipe in "${recipes[@]}"; do
  files=()
  folder=$(folder_of "$recipe")
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
# Options that pip knows since 22.1 alone (Ubuntu 22.04 has 22.0) are variables here, which an older one passes over; a
# user's `user` cannot be together with --target, and what goes into a folder of its own needs no virtual environment.
find_uv() {
  uv=$(command -v uv || true)
  [[ -z $uv || ! $("$uv" --version 2>/dev/null) ]] || return 0
  uv=.venv-uv/bin/uv
  [[ ! -x $uv ]] || return 0
  command -v python3 >/dev/null || die "python3 is missing. As root: apt-get install -y python3 python3-pip"
  python3 -c 'import pip' 2>/dev/null || die "uv and pip are missing. As root: apt-get install -y python3-pip"
  run env PIP_ROOT_USER_ACTION=ignore PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 \
    python3 -m pip install --quiet --target .venv-uv -r requirements/uv.txt
}

# Packages that pip is told to find elsewhere, uv is told too. Links of pip's configuration are not for GPUs: such a folder
# has CPU builds of the same versions on machines that are configured for them. Nor is its no-index, which wants the links.
uv_options=()
pip_settings() {
  local links=${PIP_FIND_LINKS:-} none=${PIP_NO_INDEX:-} index certificate trusted told
  # Of all its files: `config get` looks into one of them, the user's, and not into /etc/pip.conf.
  told=$(python3 -m pip config list 2>/dev/null || true)
  configured() { sed -n "s/\\\\n/ /g; s/^\\(global\\|install\\)\\.$1='\\(.*\\)'\$/\\2/p" <<<"$told" | tail -n 1; }
  if [[ $device == cpu ]]; then
    links=${links:-$(configured find-links)}
    none=${none:-$(configured no-index)}
  fi
  index=${PIP_INDEX_URL:-$(configured index-url)}
  certificate=${PIP_CERT:-$(configured cert)}
  trusted=$(echo ${PIP_TRUSTED_HOST:-$(configured trusted-host)})     # several on a line
  links=$(echo "$links" | tr -s '[:space:]' ',')
  links=${links#,}
  [[ -z ${links%,} ]] || export UV_FIND_LINKS=${UV_FIND_LINKS:-${links%,}}
  [[ -z $index ]] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
  [[ -z $certificate ]] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$certificate}
  [[ -z $trusted ]] || export UV_INSECURE_HOST=${UV_INSECURE_HOST:-$trusted}
  case ${none,,} in "" | 0 | false | no | off | n | f) ;; *) uv_options=(--no-index) ;; esac     # uv has no variable for it
}

# as_pinned FOLDER HASH...: whether the packages behind each hash are there. The mark's first line is what all recipes
# share; the others are the recipes' own, which add to each other.
as_pinned() {
  local mark=$1/installed.sha256 hash
  [[ -f $mark && $(head -n 1 "$mark") == "$2" ]] || return 1
  for hash in "${@:2}"; do grep -qx "$hash" "$mark" || return 1; done
}

# remember FOLDER HASH...: writes the mark, for which device the folder's builds are, and of which Python.
remember() {
  local mark=$1/installed.sha256
  echo "$device" >"$1/installed.device"
  echo "$python" >"$1/installed.python"
  [[ -f $mark && $(head -n 1 "$mark") == "$2" ]] || echo "$2" >"$mark"
  printf '%s\n' "${@:3}" >>"$mark"
}

# environment FOLDER "HASH..." REQUIREMENTS...: brings a folder's packages to the pinned state, if they are not.
environment() {
  local folder=$1 hashes had other="" made=""
  read -ra hashes <<<"$2"
  shift 2
  # One device's builds satisfy the other's pins, and vLLM's two would lie over each other; uv keeps a folder's Python.
  had=$(built_for "$folder")
  [[ -z $had || $had == "$device" ]] || other="builds for $had"
  had=$(python_of "$folder")
  [[ -z $had || $had == "$version" ]] || other=${other:-Python $had}
  if [[ -z $force$dry_run$other ]] && as_pinned "$folder" "${hashes[@]}"; then
    say "$folder is as pinned"
    return
  fi
  [[ -n ${uv:-} ]] || { find_uv; pip_settings; }
  say "$folder for $device, Python $version (some minutes, mostly downloads)"
  if [[ -n $other ]]; then
    say "$folder has $other: it is made anew"
    [[ -n $dry_run ]] || aside=$folder
    run mv "$folder" "$folder.before"
  fi
  [[ ! -L $folder || -e $folder ]] || die "$folder is a link to $(readlink "$folder"), which is not there: remove it (rm $folder)"
  if [[ ! -x $folder/bin/python || ( -n $dry_run && -n $other ) ]]; then
    made=yes
    run "$uv" venv --quiet --python "$python" "$folder" ||
      die "$folder could not be made; the reason is above. If it is that Python $python is missing: as root" \
        "apt-get install -y python$version, or choose the one that is here: VERL_TTS_PYTHON=3.12"
  fi
  run "$folder/bin/python" stages/machine.py || {
    [[ -z $made ]] || run rm -rf "$folder"     # else another Python that is chosen now would find this one
    exit 1
  }
  install() { run "$uv" pip install "${uv_options[@]}" --python "$folder" "$@"; }
  {
    install "$@" &&
      { [[ $folder != .venv-reward || ${#bare[@]} == 0 ]] || install --no-deps "${bare[@]}"; } &&
      { [[ $folder != .venv ]] || install --quiet --target "$folder/prefer" --no-deps -r requirements/prefer.txt; } &&
      install --quiet --no-deps --editable .
  } || die "packages for $folder could not be installed; the reason is above. If this machine is offline, connect it, or" \
    "point pip at a folder of wheels (PIP_FIND_LINKS) or a mirror (PIP_INDEX_URL). What is there already is kept."
  [[ -n $dry_run ]] || remember "$folder" "${hashes[@]}"
  aside=""
  [[ -z $other ]] || run rm -rf "$folder.before"
}

[[ $only == reward ]] || environment .venv "$(hash_of requirements.txt requirements/*trainer-"$device".txt requirements/override-cpu.txt requirements/prefer.txt pyproject.toml)" \
  "${trainer[@]}"
environment .venv-reward "$(hash_of requirements-reward.txt requirements/constraints-reward.txt pyproject.toml) ${own_hashes[*]}" \
  "${reward[@]}"
