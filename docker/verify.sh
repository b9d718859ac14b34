#!/usr/bin/env bash
# Performs the steps of docker/Dockerfile without Docker and tries the result; see verify.mjs.
#   docker/verify.sh [--reuse <node_modules>]
set -euo pipefail
exec node "$(dirname "$0")/verify.mjs" "$@"
