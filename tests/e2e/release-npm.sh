#!/bin/sh
# In place of npm in a dry run of the release: "npm run verify" only packs, and everything else is npm.
PATH=$REAL_NPM_PATH
if [ "$*" = 'run verify' ]; then exec node scripts/bootstrap.mjs tests/e2e/pack-only.ts; fi
exec npm "$@"
