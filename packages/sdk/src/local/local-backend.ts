import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cp, mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { redact } from '@trainyard/contract'
import { CheckpointError, ConfigError, DatasetError, ResourceError } from '@trainyard/contract/trainer-errors'
import { indexDataset, openDataset } from '@trainyard/datasets'
import { hashFile } from '@trainyard/datasets/transfer'
import type { PredictImage, UploadedArtifact } from '../job.ts'
import { createLoss } from '../journal/loss.ts'
import type { Backend } from '../session/backend.ts'
import type { LocalArguments } from './arguments.ts'
import { localArtifactId } from './local-artifact-id.ts'

/** Runs a job without a platform: writes journal and artifacts to the folder of the run, and takes inputs from the arguments. */
export function createLocalBackend(runDir: string, input: LocalArguments): Backend {
  const journal = join(runDir, 'journal.jsonl')
  let seq = 0
  return {
    isLocal: true,
    isResumed: false,
    append(event) {
      try {
        appendFileSync(journal, `${JSON.stringify({ seq: ++seq, time: new Date().toISOString(), ...event })}\n`)
      } catch {
        // A full disk will fail the next artifact; the journal of a local run must not stop the training.
      }
    },
    async upload(kind, file, options): Promise<UploadedArtifact> {
      const stats = await stat(file).catch((error: unknown) => {
        throw new ResourceError(`"${file}" cannot be saved: the file does not exist`, { cause: error })
      })
      const name = options.name ?? basename(file)
      const target = join(kind === 'export' && input.out !== undefined ? resolve(input.out) : runDir, name)
      await mkdir(dirname(target), { recursive: true })
      if (resolve(file) !== target) await cp(file, target, { recursive: true, force: true })
      const sha256 = stats.isDirectory() ? createHash('sha256').update(name).digest('hex') : await hashFile(target)
      return { id: localArtifactId(target, name), name, sizeBytes: stats.size, sha256 }
    },
    async openDataset(signal) {
      if (input.dataset === undefined) throw new ConfigError('--dataset is not set; expected the folder of a dataset')
      const dir = resolve(input.dataset)
      return { dir, index: await indexDataset(dir, await openDataset(dir), { signal }) }
    },
    async findCheckpoint() {
      if (input.checkpoint === undefined) return undefined
      const path = resolve(input.checkpoint)
      const stats = await stat(path).catch((error: unknown) => {
        throw new CheckpointError(`--checkpoint is "${input.checkpoint}", which does not exist`, { cause: error })
      })
      return { path, name: basename(path), sizeBytes: stats.size }
    },
    async listImages() {
      return input.images === undefined ? undefined : listImages(resolve(input.images))
    },
    redact: (text) => redact(text),
    flush: async () => true,
    close: async () => ({ delivered: true, unacknowledged: 0, dropped: createLoss(), stop: undefined }),
  }
}

async function listImages(dir: string): Promise<PredictImage[]> {
  const names = await readdir(dir, { recursive: true }).catch((error: unknown) => {
    throw new DatasetError(`--images is "${dir}", which cannot be read`, { cause: error })
  })
  const images = names.filter((name) => /\.(png|jpe?g|gif|bmp|webp|tiff?)$/i.test(name)).sort()
  if (images.length === 0) throw new DatasetError(`--images is "${dir}", which contains no images`)
  return images.map((name) => ({ name: name.replaceAll('\\', '/'), path: join(dir, name) }))
}

/** The next free `runs/{n}`. */
export function createRunDir(runsDir: string, taken: readonly string[]): string {
  const numbers = taken.map(Number).filter((number) => Number.isInteger(number))
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const dir = join(resolve(runsDir), String(number))
    try {
      mkdirSync(resolve(runsDir), { recursive: true })
      mkdirSync(dir)
      return dir
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}
