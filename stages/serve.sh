#!/usr/bin/env bash
# The reward server alone, without run.sh around it, for images (Dockerfile.reward): RECIPE=name, overrides as arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec .venv-reward/bin/python -m reward_tts.server --config-path "$PWD/recipes/$RECIPE" --config-name server "$@"
