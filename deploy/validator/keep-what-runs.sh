#!/bin/sh
# keep-what-runs FROM TO: copies the sources and the installed packages of the validator in FROM to TO, without what it never reads.
set -eu
from=$1 to=$2
mkdir -p "$to/app/packages" "$to/usr/local/bin"
cd "$from"
cp -a node_modules package.json LICENSE "$to/app/"
for package in contract platform datasets environments sdk runner validator; do cp -a "packages/$package" "$to/app/packages/"; done
cd "$to/app"
rm -rf packages/*/fixtures
find . -type d \( -name testing -o -name fixtures -o -name peers -o -name golden \) -path './packages/*/src/*' -prune -exec rm -rf {} +
find packages -type f \( -name '*.test.ts' -o -name '*.cases.ts' \) -delete
rm -rf node_modules/.pnpm/@types+*
find . -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' -o -name '*.tsbuildinfo' \) -delete
find . -name .modules.yaml -o -name '.pnpm-workspace-state*.json' -o -name .package-lock.json | xargs rm -f
# ONNX Runtime for browsers, which is nine tenths of it.
find node_modules/.pnpm -path '*/onnxruntime-web/*' -type f ! -name package.json ! -name 'ort.node.min.mjs' ! -name 'ort-wasm-simd-threaded.wasm' ! -name 'ort-wasm-simd-threaded.mjs' ! -name LICENSE -delete
# Links to packages that are not here.
find . -xtype l -delete
printf '#!/bin/sh\nexec node --conditions=trainyard-source /app/packages/validator/src/cli/main.ts "$@"\n' >"$to/usr/local/bin/trainyard-validate"
chmod 755 "$to/usr/local/bin/trainyard-validate"
chmod -R u=rwX,go=rX "$to/app"
chown -R 0:0 "$to/app" "$to/usr"
