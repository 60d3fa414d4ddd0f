"""A Slurm job for stages/slurm.sh, with commands of Slurm's and Ray's names that keep what they are asked for."""

import os
from pathlib import Path

from stages.config import ROOT

SCRIPT = ROOT / "stages" / "slurm.sh"
TOOLS = {
    "scontrol": "printf 'alpha\\nbeta\\n'",
    # srun runs the command here; its options end at the first word without a dash.
    "srun": "node= export=${SLURM_EXPORT_ENV:-ALL}\n"
    "while [[ $1 == -* ]]; do\n"
    "  case $1 in --nodelist=*) node=${1#*=} ;; --export=*) export=${1#*=} ;; esac; shift\ndone\n"
    "[[ $export == ALL ]] || unset VERL_TTS_SECRET RAY_AUTH_TOKEN\n"
    'echo "$node: $*" >>"$CALLS"\nexec "$@"',
    # Each node resolves its own name to its loopback, as Debian does.
    "getent": 'case "$(tail -n 1 "$CALLS") " in "alpha: "*" beta "*) echo "10.0.0.9 STREAM beta" ;;\n'
    '"beta: "*" alpha "*) printf "127.0.1.1 STREAM alpha\\n10.0.0.7 STREAM\\n" ;; *) echo 127.0.1.1 STREAM ;; esac',
    "hostname": "echo 127.0.0.1 10.0.0.4 fe80::1",
    "ray": "case $1 in start) exec sleep 1000 ;;\n"
    "status) grep -c ' start ' \"$CALLS\" | xargs seq | sed 's/.*/ 1 node_&/' ;; esac",
}
# With REAL the real run.sh says what it would do (1 s of CPU each time), else what it was given; `serve` lasts.
RUN = f"""if [[ -n ${{REAL:-}} ]]; then bash {ROOT}/run.sh --dry-run "$@"; else echo "$@"; fi
case $* in *' serve '*)
  [[ -z ${{BROKEN:-}} ]] || exit 3
  [[ -z ${{SILENT:-}} ]] || exec sleep 1000
  if [[ -n ${{FRAGILE:-}} && $* == *serve-$FRAGILE* && ! -e $CALLS.died ]]; then
    echo READY; until [[ -e $CALLS.training ]]; do sleep 0.05; done
    touch "$CALLS.died"; exit 7
  fi
  echo READY; exec sleep 1000 ;;
*' train '*)  # lasts until the server that died has been started again
  touch "$CALLS.training"; echo "servers have $VERL_TTS_SERVER_OVERRIDES"
  [[ -z ${{FRAGILE:-}} ]] || until (($(grep -c serve-beta "$CALLS") == 2)); do sleep 0.05; done ;;
esac
"""
# With PLANS=environment the real stages.environment, with PLANS=batch the real stages.batch: each composes the recipe,
# which takes 2 s. Else a stand-in.
PYTHON = f"""[[ $2 != stages.${{PLANS:-none}} ]] || PYTHONPATH={ROOT} exec {ROOT}/.venv/bin/python "$@"
echo TENSORBOARD_DIR=exp/somewhere
"""


def job_in(folder: Path) -> dict[str, str]:
    """The environment of a job of two nodes with four GPUs each; its folder is there."""
    files = {f"bin/{name}": text for name, text in TOOLS.items()} | {"run.sh": RUN, ".venv/bin/python": PYTHON}
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/usr/bin/env bash\n{text}\n")
        file.chmod(0o755)
    own = {"SLURM_SUBMIT_DIR": str(folder), "SLURM_JOB_ID": "12", "SLURM_JOB_NODELIST": "alpha,beta"}
    own |= {"CALLS": str(folder / "calls"), "RAY": "ray", "GPUS_PER_NODE": "4", "POLL_S": "0.1", "WAIT_S": "300"}
    own |= {"PROMPTS_PER_GPU": "1", "SLURM_GPUS_PER_NODE": "", "SLURM_GPUS_ON_NODE": ""}
    return os.environ | own | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
