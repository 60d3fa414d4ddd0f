#!/usr/bin/env bash
# hydra-core 1.3.8 with OmegaConf 2.3.1: the same value means another thing in a config file than on the command line. The file is read as YAML 1.1,
# the command line by Hydra's own grammar, and neither complains:
#                       in the file            as an override
#     off, no           False                  'off', 'no': text, which is true in an if
#     [de, no]          ['de', False]          ['de', 'no']                   languages, Norwegian among them
#     1:30              90                     '1:30'
#     010               8                      '010'
#     0x1F              31                     '0x1F'
#     -.5               '-.5': text            -0.5                           (.5 is a number in both)
#     nan, inf          'nan', 'inf': text     nan, inf
#     .inf              inf                    '.inf'
# OmegaConf.from_dotlist reads as the file does. So a switch that is off in the recipe is on when it is turned "off" by hand, unless the
# field has a type. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q hydra-core==1.3.8 omegaconf==2.3.1
cd "$folder"
mkdir conf
cat >show.py <<'PYTHON'
import hydra
from omegaconf import OmegaConf


@hydra.main(version_base=None, config_path="conf", config_name="settings")
def main(settings):
    print(repr(OmegaConf.to_container(settings)["value"]))


main()
PYTHON
say() { # value, what it is in the file, what it is as an override
    echo "value: $1" >conf/settings.yaml
    local file line dots
    file=$(venv/bin/python show.py hydra.run.dir=run)
    echo "value: 0" >conf/settings.yaml
    line=$(venv/bin/python show.py hydra.run.dir=run "value=$1")
    dots=$(venv/bin/python -c 'import sys; from omegaconf import OmegaConf as O
print(repr(O.to_container(O.from_dotlist([f"value={sys.argv[1]}"]))["value"]))' "$1")
    printf '%-10s file %-15s override %-15s dotlist %s\n' "$1" "$file" "$line" "$dots"
    [ "$file" = "$2" ] && [ "$line" = "$3" ] && [ "$dots" = "$2" ]
}
say off False "'off'"
say no False "'no'"
say "[de, no]" "['de', False]" "['de', 'no']"
say 1:30 90 "'1:30'"
say 010 8 "'010'"
say 0x1F 31 "'0x1F'"
say -.5 "'-.5'" -0.5
say .5 0.5 0.5
say nan "'nan'" nan
say inf "'inf'" inf
say .inf inf "'.inf'"
