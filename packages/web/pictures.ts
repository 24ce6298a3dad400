import { join } from 'node:path'
import { build } from 'esbuild'
import { buildWeb } from './build.ts'

const folder = process.argv[2] ?? join(import.meta.dirname, 'dist', 'pictures')
const { outDir } = await buildWeb()
const script = join(outDir, 'take-pictures.js')
// Node does not run JSX.
await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/testing/take-pictures.ts'],
  outfile: script,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
})
const { takePictures } = (await import(script)) as typeof import('./src/testing/take-pictures.ts')
await takePictures(folder)
console.log(`Pictures of the pages: ${folder}`)
