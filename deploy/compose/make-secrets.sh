#!/bin/sh
# make-secrets.sh: makes the missing secrets in secrets/ beside this file.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
secret() {
  # Readable for the users of the containers; the folder is closed to others of this machine.
  [ -s "secrets/$1" ] || { printf '%s' "$2" >"secrets/$1" && chmod 644 "secrets/$1"; }
}
random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
secret database-password "$(random)"
secret database-url "postgres://trainyard:$(cat secrets/database-password)@database:5432/trainyard"
secret storage-password "$(random)"
secret jwt-secret "$(random)"
secret pages-secret "$(random)"
