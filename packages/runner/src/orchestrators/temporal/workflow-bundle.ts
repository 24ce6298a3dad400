import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DefaultLogger } from '@temporalio/worker'

/** The file beside the built package. */
const BUILT = fileURLToPath(new URL('./temporal-workflow.js', import.meta.url))
const SOURCE = fileURLToPath(new URL('./workflow.ts', import.meta.url))

/** The path of the workflow's bundle: the built one, or one that is made from the source once and kept. */
export async function workflowBundle(): Promise<string> {
  if (existsSync(BUILT)) return BUILT
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string }
  const hash = createHash('sha256')
    .update(version)
    .update(await readFile(SOURCE))
    .digest('hex')
    .slice(0, 16)
  const dir = join(tmpdir(), `trainyard-workflows-${process.getuid?.() ?? 0}`)
  const file = join(dir, `${hash}.js`)
  if (existsSync(file)) return file
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeWorkflowBundle(file)
  return file
}

/** Bundles the workflow into one file. Takes several seconds, so the build of the package does it. */
export async function writeWorkflowBundle(file: string): Promise<void> {
  const { bundleWorkflowCode } = await import('@temporalio/worker')
  const { code } = await bundleWorkflowCode({ workflowsPath: SOURCE, logger: new DefaultLogger('WARN') })
  const partial = `${file}.${process.pid}`
  await writeFile(partial, code, { mode: 0o600 })
  await rename(partial, file)
}
