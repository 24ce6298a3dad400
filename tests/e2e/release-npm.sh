#!/bin/sh
# In place of npm in a dry run of the release: "npm run verify" only packs, and "npm run setup", which every other command does, is nothing.
# Node and pnpm are those of the repository, where it has fetched them.
PATH=$REAL_NPM_PATH
mkdir -p node_modules
if [ -e "$SETUP_NOTES" ] && [ ! -e node_modules/.trainyard-setup.json ]; then cp "$SETUP_NOTES" node_modules; fi
case "$*" in
'run setup') exit 0 ;;
'run verify') exec node scripts/bootstrap.mjs tests/e2e/pack-only.ts ;;
esac
exec npm "$@"
