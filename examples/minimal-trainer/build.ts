/** Bundles the trainer into one file, which runs with Node alone. */
import { build } from 'esbuild'

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // Inside the Trainyard repository: the SDK's sources rather than its build.
  conditions: ['trainyard-source'],
})
