import { createHash } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'

const packageDir = dirname(fileURLToPath(import.meta.url))

export interface ClientFile {
  /** Name with a hash of the content, for example `job-3F2A.js`. */
  fileName: string
  contents: Uint8Array
}

/** The browser's scripts and style sheet, by plain name (`job.js`, `site.css`). */
export async function buildClient(): Promise<Map<string, ClientFile>> {
  const result = await build({
    absWorkingDir: packageDir,
    entryPoints: [
      'src/client/site.ts',
      'src/client/korean.ts',
      'src/client/job.ts',
      'src/client/new-job.ts',
      'src/client/push.ts',
      'src/client/upload.ts',
      'src/client/pictures.ts',
      'src/client/predict.ts',
      'src/client/compare.ts',
      'src/client/http-api.ts',
      'src/client/live-worker.ts',
      'src/client/selection.ts',
      'src/client/site.css',
    ],
    outdir: 'dist/client',
    entryNames: '[name]-[hash]',
    bundle: true,
    conditions: ['trainyard-source'],
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  const plainNames = plainNamesOf(result.metafile)
  return new Map(
    result.outputFiles.map((file) => {
      const fileName = basename(file.path)
      return [plainNames.get(fileName) ?? fileName, { fileName, contents: file.contents }]
    }),
  )
}

function plainNamesOf(metafile: Metafile): Map<string, string> {
  const names = new Map<string, string>()
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint !== undefined) names.set(basename(path), basename(output.entryPoint).replace(/\.ts$/, '.js'))
  }
  return names
}

/**
 * Writes `dist/`: the server (dependencies stay imports) and the browser's files with their names in `manifest.json`. The old
 * folder is replaced in one step, so that a process that starts meanwhile finds a complete one.
 */
export async function buildWeb(): Promise<{ outDir: string; buildId: string }> {
  const outDir = join(packageDir, 'dist')
  const newDir = `${outDir}.${process.pid}`
  await mkdir(join(newDir, 'client'), { recursive: true })
  const [client] = await Promise.all([
    buildClient(),
    build({
      absWorkingDir: packageDir,
      entryPoints: ['src/index.ts', 'src/serve.ts'],
      outdir: newDir,
      bundle: true,
      splitting: true,
      chunkNames: 'chunk-[hash]',
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      jsx: 'automatic',
      jsxImportSource: 'hono/jsx',
      sourcemap: true,
      logLevel: 'warning',
    }),
  ])
  const names: Record<string, string> = {}
  for (const [name, file] of client) {
    names[name] = file.fileName
    await writeFile(join(newDir, 'client', file.fileName), file.contents)
  }
  const manifest = `${JSON.stringify(names, null, 2)}\n`
  await writeFile(join(newDir, 'client', 'manifest.json'), manifest)
  await replace(outDir, newDir)
  return { outDir, buildId: createHash('sha256').update(manifest).digest('hex').slice(0, 12) }
}

async function replace(outDir: string, newDir: string): Promise<void> {
  const oldDir = `${newDir}.old`
  // Missing at the first build, or while another build is between these two lines.
  await rename(outDir, oldDir).catch(() => {})
  await rename(newDir, outDir).catch(async () => {
    // Another build of the same sources finished first.
    await rm(newDir, { recursive: true, force: true })
  })
  await rm(oldDir, { recursive: true, force: true })
}

if (import.meta.main) {
  const startedAt = performance.now()
  const { outDir } = await buildWeb()
  console.log(`Built ${outDir} in ${Math.round(performance.now() - startedAt)} ms`)
}
