import type { KnipConfig } from 'knip'

/** `knip` sees everything; `knip --production` leaves tests out, so that it finds files and exports that only tests use. */
const isProduction = process.argv.includes('--production')

/** The sources of a package. In production mode, tests and what only they use are left out. */
const SOURCES = [
  'src/**!',
  '!src/**/*.test.{ts,tsx}!',
  '!src/**/*.cases.ts!',
  '!src/**/{testing,fixtures,peers,pitfalls}/**!',
]

const config: KnipConfig = {
  // In production mode, a function that its own file uses may be exported for its unit test.
  ignoreExportsUsedInFile: isProduction ? true : { interface: true, type: true },
  ignoreBinaries: ['setpriv', 'mlflow', 'docker-registry'],
  workspaces: {
    '.': {
      entry: [
        'bench/*.ts',
        'bench/lib/fetch-dataset.ts',
        'bench/lib/hostile-server.ts',
        'bench/lib/intake-server.ts',
        'bench/lib/registry-server.ts',
        'bench/lib/report-real-training.ts',
        'bench/lib/report-training.ts',
        'bench/peers/*.ts',
        'scripts/**/*.test.ts',
        'scripts/*.{ts,mjs}',
        'scripts/start.ts!',
        'scripts/start/*.ts!',
        'deploy/image/*.ts!',
        // The configuration of the site, which VitePress reads, uses them.
        'scripts/docs-site/{links,pages}.ts',
        'tests/**/*.test.ts',
        'tests/e2e/*/main.ts',
        'tests/e2e/pack-only.ts',
        'tests/setup/*.ts',
        'tests/snippets/prelude.ts',
      ],
      project: ['scripts/**', 'scripts/start/**!', 'deploy/**', 'deploy/image/**!', 'tests/**', 'bench/**'],
      ignoreDependencies: ['@arethetypeswrong/cli', '@biomejs/biome', '@trainyard/validator', 'mnist'],
    },
    'packages/contract': {
      project: SOURCES,
      entry: ['src/index.ts!', 'src/format.ts!', 'src/trainer-errors.ts!'],
    },
    'packages/datasets': {
      entry: [
        'src/index.ts!',
        'src/cache/index.ts!',
        'src/transfer/index.ts!',
        'src/convert/parallel/convert-worker.ts!',
        'src/testing/*.ts',
        'src/**/*.test.ts',
      ],
      project: SOURCES,
    },
    'packages/client': {
      entry: ['src/index.ts!', 'src/files.ts!', 'src/testing/*.ts', 'src/**/*.test.ts'],
      project: SOURCES,
    },
    'packages/sdk': {
      entry: [
        'src/index.ts!',
        'src/exec/index.ts!',
        'src/config/index.ts!',
        'src/exec/main.ts!',
        'src/testing/*.ts',
        'src/**/*.test.ts',
      ],
      project: SOURCES,
    },
    'packages/cli': {
      entry: ['src/main.ts!', 'src/**/*.test.ts'],
      project: SOURCES,
    },
    'packages/environments': {
      entry: ['src/index.ts!', 'src/testing/*.ts', 'src/**/*.test.ts'],
      project: SOURCES,
    },
    'packages/testing': {
      entry: ['src/index.ts!', 'src/**/*.test.ts'],
      project: SOURCES,
    },
    'packages/platform': {
      entry: ['src/index.ts!', 'src/**/*.test.ts'],
      project: SOURCES,
    },
    'packages/runner': {
      entry: [
        'src/index.ts!',
        'src/serve.ts!',
        'src/dataset-cache/fill-program.ts!',
        'src/datasets/results/result-program.ts!',
        'src/jobs/settings-program.ts!',
        // The bundler reads it.
        'src/orchestrators/temporal/workflow.ts!',
        'src/**/*.test.ts',
      ],
      project: SOURCES,
      ignoreDependencies: [
        '@aws-sdk/*',
        '@hono/node-server',
        '@trainyard/sdk',
        '@zxcvbn-ts/*',
        'jose',
        'nodemailer',
        'pg',
        'pino',
        'yauzl',
      ],
    },
    'packages/validator': {
      entry: [
        'src/index.ts!',
        'src/image.ts!',
        'src/secrets.ts!',
        'src/cli/main.ts!',
        'src/exports/onnx-program.ts!',
        'src/**/*.test.ts',
      ],
      project: SOURCES,
      ignoreDependencies: ['@aws-sdk/*', '@hono/*', '@zxcvbn-ts/*', 'hono', 'jose', 'kysely', 'pg', 'pino'],
    },
    'packages/registry': {
      entry: [
        'src/index.ts!',
        'src/serve.ts!',
        'src/acceptance/scanners/layer-program.ts!',
        'src/validation/worker.ts!',
        'src/validation/fixtures/*.mjs',
        'src/**/*.test.ts',
      ],
      project: SOURCES,
      ignoreDependencies: ['@aws-sdk/*', '@hono/node-server', '@zxcvbn-ts/*', 'jose', 'nodemailer', 'pg', 'pino'],
    },
    'packages/web': {
      entry: [
        'src/index.ts!',
        'src/client/{site,korean,job,new-job,push,upload,compare,pictures,predict,selection,live-worker,http-api}.ts!',
        'src/serve.ts!',
        'src/**/*.test.{ts,tsx}',
        'src/testing/take-pictures.ts',
      ],
      project: [...SOURCES, '*.ts'],
    },
    'trainers/*': {
      entry: ['src/main.ts!', 'src/**/*.test.ts'],
      project: ['src/**!', '!src/**/*.test.ts!', '!src/testing/**!', '*.ts'],
    },
    'examples/*': {
      entry: ['src/*.ts!', '**/*.test.ts'],
      project: ['**/*.ts'],
      ignoreDependencies: ['trainyard'],
    },
    'scripts/api-docs': {
      ignore: ['named-like-schema.mjs'],
      // An argument of the program that makes the site.
      ignoreDependencies: ['typedoc-plugin-markdown'],
    },
  },
}

export default config
