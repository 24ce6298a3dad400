/** Bundles the trainer into one file that needs only Node.js. */
import { build } from 'esbuild'

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
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
