#!/bin/sh
# Installs the peers of `bench convert` into .trainyard/bench-venv. Usage: bench/peers/setup.sh [--ultralytics]
# --ultralytics also installs Ultralytics, which pulls PyTorch (about 6 GB); its program is run, its source never read.
set -eu
cd "$(dirname "$0")/../.."
venv=.trainyard/bench-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet datumaro==1.13.12 globox==2.9.0
if [ "${1:-}" = --ultralytics ]; then "$venv/bin/pip" install --quiet ultralytics==8.4.190; fi
