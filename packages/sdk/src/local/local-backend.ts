import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cp, mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { redact } from '@trainyard/contract'
import { CheckpointError, ConfigError, DatasetError, ResourceError } from '@trainyard/contract/trainer-errors'
import { indexDataset, openDataset } from '@trainyard/datasets'
import { hashFile } from '@trainyard/datasets/transfer'
import type { PredictImage, UploadedArtifact } from '../job.ts'
import { createLoss } from '../journal/loss.ts'
import { writeEvent } from '../journal/write-event.ts'
import type { Backend } from '../session/backend.ts'
import type { LocalArguments } from './arguments.ts'
import { localArtifactId } from './local-artifact-id.ts'
import { RUN_RECORD_FILE } from './run-record.ts'
import type { RunSummary } from './run-summary.ts'

/** Runs a job without a platform: writes journal and artifacts to the folder of the run, and takes inputs from the arguments. */
export function createLocalBackend(runDir: string, input: LocalArguments, summary?: RunSummary): Backend {
  const journal = join(runDir, 'journal.jsonl')
  let seq = 0
  return {
    isLocal: true,
    isResumed: false,
    append(event) {
      try {
        const json = writeEvent({ time: new Date().toISOString(), ...event }, () => {})
        if (json !== undefined) appendFileSync(journal, `{"seq":${++seq},${json.slice(1)}\n`)
      } catch {
        // A full disk will fail the next artifact; the journal of a local run must not stop the training.
      }
    },
    async upload(kind, file, options): Promise<UploadedArtifact> {
      const stats = await stat(file)
      const name = options.name ?? basename(file)
      const root = kind === 'export' && input.out !== undefined ? resolve(input.out) : runDir
      const target = await copyInto(root, name, file)
      const sha256 = stats.isDirectory() ? createHash('sha256').update(name).digest('hex') : await hashFile(target)
      const sizeBytes = await sizeOf(target)
      summary?.saved({ kind, path: target, sizeBytes })
      options.onProgress?.({ sentBytes: sizeBytes, totalBytes: sizeBytes })
      return { id: localArtifactId(target, name), name, sizeBytes, sha256 }
    },
    async openDataset(signal) {
      if (input.dataset === undefined) throw new ConfigError('--dataset is not set; expected the folder of a dataset')
      const dir = resolve(input.dataset)
      return { dir, index: await indexDataset(dir, await openDataset(dir), { signal }) }
    },
    async findCheckpoint() {
      if (input.checkpoint === undefined) return undefined
      const path = resolve(input.checkpoint)
      await stat(path).catch((error: unknown) => {
        throw new CheckpointError(`--checkpoint is "${input.checkpoint}", which does not exist`, { cause: error })
      })
      return { path, name: basename(path), sizeBytes: await sizeOf(path) }
    },
    async listImages() {
      return input.images === undefined ? undefined : listImages(resolve(input.images))
    },
    nextImages: async () => undefined,
    redact: (text) => redact(text),
    flush: async () => true,
    flushToDisk() {},
    close: async () => ({ delivered: true, unacknowledged: 0, dropped: createLoss(), stop: undefined }),
  }
}

/** Files of a run that are not artifacts. */
const OWN_NAMES = new Set(['journal.jsonl', RUN_RECORD_FILE, 'work'])

/**
 * Copies an artifact into the folder of the run, under its name. A name that only this file system refuses, or that the run
 * itself uses, gets another file: the platform accepts it too. `name` is already checked to stay inside of `root`.
 */
/** The bytes of a file, or of all files of a folder. */
async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path)
  if (!stats.isDirectory()) return stats.size
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => stat(join(parentPath, name)))
  return (await Promise.all(files)).reduce((total, { size }) => total + size, 0)
}

async function copyInto(root: string, name: string, file: string): Promise<string> {
  const target = join(root, name)
  const [first = ''] = name.split('/')
  if (!OWN_NAMES.has(first)) {
    if (resolve(file) === target) return target
    try {
      await copy(file, target)
      return target
    } catch (error) {
      if (!isNameProblem(error))
        throw new ResourceError(`"${file}" cannot be saved: ${String(error)}`, { cause: error })
    }
  }
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16)
  const other = join(root, 'artifacts', `${digest}${extname(name).slice(0, 20)}`)
  await copy(file, other).catch((error: unknown) => {
    throw new ResourceError(`"${file}" cannot be saved: ${String(error)}`, { cause: error })
  })
  return other
}

async function copy(file: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  // Content in place of symbolic links, as on a platform.
  await cp(file, target, { recursive: true, force: true, dereference: true })
}

function isNameProblem(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(ENAMETOOLONG|ENOTDIR|EEXIST|EISDIR|EINVAL|ERR_FS_CP_.*)$/.test(code)
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
