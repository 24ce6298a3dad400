#!/bin/sh
# Installs the peers that datasets are compared with into one virtual environment, with torch about 6 GB and some minutes.
# Both `npm run bench -- convert` and the tests (`--project peers`) find it there; its programs are run, never read.
# TRAINYARD_PEERS_VENV names another folder; TRAINYARD_PEERS_PYTHON then names its Python to bench and tests.
set -eu
venv=${TRAINYARD_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/trainyard/peers-venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet \
  datumaro==1.13.12 globox==2.9.0 supervision==0.31.2 pycocotools==2.0.11 ultralytics==8.4.190 torch==2.15.0 torchvision==0.29.2 datasets==5.2.0 webdataset==1.0.2 labelme==6.3.1
echo "TRAINYARD_PEERS_PYTHON=$venv/bin/python"
