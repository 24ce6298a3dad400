/** Bundles each program that the entry points of trainer.json name into one file that needs only Node.js. */
import { build } from 'esbuild'
import manifest from './trainer.json' with { type: 'json' }

// dist/main.js is built from src/main.ts.
const programs = Object.values(manifest.entrypoints).map(([, program = '']) =>
  program.replace(/^dist\/(.*)\.js$/, 'src/$1.ts'),
)

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: [...new Set(programs)],
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // In the Trainyard repository: the sources of the SDK instead of its build.
  conditions: ['trainyard-source'],
  // Some libraries are CommonJS and call `require`, which a module does not have.
  banner: {
    js: "import { createRequire as createNodeRequire } from 'node:module'; const require = createNodeRequire(import.meta.url)",
  },
})
