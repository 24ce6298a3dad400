/**
 * Bundles the trainer into `dist/`: it runs with Node alone, without node_modules.
 *
 * @module
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const dist = join(root, 'dist')
const WASM_FILE = 'tfjs-backend-wasm-simd.wasm'

/** Parts of the libraries that are never called, by file. */
const UNUSED: [RegExp, string][] = [
  // The backend's threads, and their loader: a program as text.
  [/tfjs-backend-wasm-threaded-simd(\.worker)?\.js$/, 'export default undefined; export const wasmWorkerContents = ""'],
  // For Node without fetch, with the tables of every domain name in the world.
  [/node-fetch\/lib\/index\.m?js$/, 'export default globalThis.fetch'],
  // Messages in forty languages.
  [/zod\/v4\/locales\/index\.js$/, 'export { default as en } from "./en.js"'],
]

const withoutUnused: Plugin = {
  name: 'without-unused',
  setup({ onLoad }) {
    for (const [filter, contents] of UNUSED) {
      onLoad({ filter }, ({ path }) => ({ contents, resolveDir: dirname(path) }))
    }
  },
}

const { metafile, outputFiles } = await build({
  // Paths in the output are then the same wherever this is started from.
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: dist,
  write: false,
  bundle: true,
  // Chunks let the framework load after the job has been reported as started.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  conditions: ['trainyard-source'],
  mainFields: ['module', 'main'],
  minify: true,
  keepNames: true,
  legalComments: 'none',
  metafile: true,
  plugins: [withoutUnused],
  // Emscripten's loader is CommonJS at heart.
  banner: {
    js: "import{createRequire as __create}from'node:module';const require=__create(import.meta.url),__dirname=import.meta.dirname;",
  },
})
const wasmDir = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
await replaceFolder(
  new Map<string, Uint8Array>([
    ...outputFiles.map(({ path, contents }): [string, Uint8Array] => [basename(path), contents]),
    ['THIRD-PARTY.txt', Buffer.from(await collectLicences(Object.keys(metafile.inputs)))],
    [WASM_FILE, await readFile(join(wasmDir, WASM_FILE))],
  ]),
)
for (const [file, { bytes }] of Object.entries(metafile.outputs)) console.log(`${file} ${Math.ceil(bytes / 1024)} kB`)

/** Name, version and licence of every package that is in the bundle: their authors ask for no more than that. */
async function collectLicences(inputs: string[]): Promise<string> {
  const packages = new Set<string>()
  for (const input of inputs) {
    const [dir] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []
    if (dir !== undefined) packages.add(join(root, dir))
  }
  const sections = await Promise.all(
    [...packages].map(async (dir) => {
      const { name, version, license } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
      const file = (await readdir(dir)).find((each) => /^licen[cs]e/i.test(each))
      const text = file === undefined ? '' : `\n\n${(await readFile(join(dir, file), 'utf8')).trim()}`
      return `${name} ${version} (${license})${text}`
    }),
  )
  return `${sections.sort().join('\n\n---\n\n')}\n`
}

/**
 * Puts the files in place of `dist` as one, and leaves existing files alone: another process may be running or packing them,
 * or building it at the same time.
 */
async function replaceFolder(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  if (await holds(files)) return
  const draft = `${dist}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft)
  for (const [name, bytes] of files) await writeFile(join(draft, name), bytes)
  try {
    // Fails where there is one that is not empty: it is another build's, or of other sources.
    await rename(draft, dist).catch(async () => {
      if (await holds(files)) return
      await rm(dist, { recursive: true, force: true })
      await rename(draft, dist)
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function holds(files: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  const names = await readdir(dist).catch(() => [])
  if (names.length !== files.size) return false
  for (const [name, bytes] of files) {
    const held = await readFile(join(dist, name)).catch(() => undefined)
    if (held === undefined || !held.equals(bytes)) return false
  }
  return true
}
