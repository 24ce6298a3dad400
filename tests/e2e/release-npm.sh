#!/bin/sh
# In place of npm in a dry run of the release: "npm run verify" only packs, and "npm run setup", which every other command does, is nothing.
PATH=$REAL_NPM_PATH
case "$*" in
'run setup') exit ;;
'run verify') exec node scripts/bootstrap.mjs tests/e2e/pack-only.ts ;;
esac
exec npm "$@"
