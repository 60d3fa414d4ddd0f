#!/usr/bin/env bash
# The reward server alone, without run.sh around it, for images (Dockerfile.reward): RECIPE=name, overrides as arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# `environment` of stages/standard.yaml, which says why; a test compares them.
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2} GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
exec .venv-reward/bin/python -m reward_tts.server --config-path "$PWD/recipes/$RECIPE" --config-name server "$@"
