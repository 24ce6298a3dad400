import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import type { PythonDependencies, TrainerManifest, TrainerRuntime } from '@trainyard/contract'
import { EnvironmentError } from '../errors.ts'
import { readRequirements } from './requirements.ts'
import { checkUvLock } from './uv-lock.ts'

/** What a trainer depends on, as its folder declares it. */
export interface Dependencies {
  kind: PythonDependencies
  /** The file that declares them. */
  file: string
  /** Every file that uv needs, with its content. */
  files: ReadonlyMap<string, string>
  /** Whether every package has a hash. */
  isHashed: boolean
  /** Whether uv has to compare hashes. */
  hasHashes: boolean
  /** Ranges of Python that the files require. */
  pythonRanges: readonly string[]
}

const FILES = ['uv.lock', 'requirements.txt', 'pyproject.toml'] as const
const MAX_FILE_BYTES = 5_000_000
const PEP_723 = /^# \/\/\/ script\s*$[\s\S]*?^# \/\/\/\s*$/m
const REQUIRES_PYTHON = /^\s*(?:#\s*)?requires-python\s*=\s*["']([^"']+)["']/m

export interface ReadDependenciesOptions {
  /** Files that count as missing, because they are not published. Default: none. */
  isIgnored?: ((path: string) => boolean) | undefined
}

/**
 * Reads the dependencies of the trainer in a folder, which is hostile input.
 *
 * @throws EnvironmentError `dependencies_invalid`, with the line
 */
export async function readDependencies(
  dir: string,
  runtime: TrainerRuntime,
  entrypoints: TrainerManifest['entrypoints'],
  { isIgnored = () => false }: ReadDependenciesOptions = {},
): Promise<Dependencies> {
  const read: Read = async (name) => (isIgnored(posix.normalize(name)) ? undefined : await readInside(dir, name))
  const kind = runtime.dependencies ?? (await findOnlyFile(read))
  switch (kind) {
    case 'uv.lock': {
      const lock = await requireFile(read, 'uv.lock')
      const project = await read('pyproject.toml')
      if (project === undefined)
        throw invalid('pyproject.toml, which belongs to it, does not exist in the trainer’s folder', 'uv.lock')
      checkUvLock(lock)
      return complete(
        kind,
        [
          ['uv.lock', lock],
          ['pyproject.toml', project],
        ],
        { isHashed: true, hasHashes: true },
      )
    }
    case 'requirements.txt': {
      const text = await requireFile(read, 'requirements.txt')
      const { files, isHashed, hasHashes } = await readRequirements('requirements.txt', text, read)
      return complete(kind, [...files], { isHashed, hasHashes })
    }
    case 'pyproject.toml':
      return complete(kind, [[kind, await requireFile(read, kind)]], { isHashed: false, hasHashes: false })
    case 'inline': {
      const script = entrypoints.train.find((argument) => argument.endsWith('.py'))
      if (script === undefined)
        throw invalid(
          '"runtime.dependencies" is "inline", but the entry point "train" names no Python script',
          'trainer.json',
        )
      const block = PEP_723.exec(await requireFile(read, script))?.[0]
      if (block === undefined)
        throw invalid(
          '"runtime.dependencies" is "inline", but the script has no block of inline metadata: expected lines from "# /// script" to "# ///" (PEP 723)',
          script,
        )
      // uv reads nothing else of the script, so that a change of its code is not a new environment.
      return complete(kind, [['script.py', `${block}\n`]], { isHashed: false, hasHashes: false }, script)
    }
  }
}

/** Identifies what would be installed. */
export function digestOf({ kind, files }: Dependencies): string {
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([kind, sorted]))
    .digest('hex')
}

function complete(
  kind: PythonDependencies,
  files: readonly (readonly [string, string])[],
  hashes: { isHashed: boolean; hasHashes: boolean },
  file: string = kind,
): Dependencies {
  const ranges = files.flatMap(([, text]) => REQUIRES_PYTHON.exec(text)?.[1] ?? [])
  return {
    kind,
    file,
    files: new Map(files),
    isHashed: hashes.isHashed,
    hasHashes: hashes.hasHashes,
    pythonRanges: ranges,
  }
}

async function findOnlyFile(read: Read): Promise<PythonDependencies> {
  const found: PythonDependencies[] = []
  for (const name of FILES) if ((await read(name)) !== undefined) found.push(name)
  // A lock file always has its project beside it.
  const candidates = found.includes('uv.lock') ? found.filter((name) => name !== 'pyproject.toml') : found
  const [only, ...others] = candidates
  if (only === undefined)
    throw invalid(
      `"runtime" names no file of dependencies, and the folder does not have one: expected ${FILES.join(', ')}, or "dependencies": "inline"`,
      'trainer.json',
    )
  if (others.length > 0)
    throw invalid(
      `the folder has ${candidates.join(' and ')}: name the one to install in "runtime.dependencies"`,
      'trainer.json',
    )
  return only
}

async function requireFile(read: Read, name: string): Promise<string> {
  const text = await read(name)
  if (text !== undefined) return text
  throw invalid(`"runtime.dependencies" needs ${name}, which does not exist in the trainer’s folder`, 'trainer.json')
}

/** Reads a file of the trainer's folder. Undefined: it does not exist. */
type Read = (name: string) => Promise<string | undefined>

/** Undefined: it does not exist. A link can lead to a file of the platform. */
async function readInside(dir: string, name: string): Promise<string | undefined> {
  const root = await realpath(dir)
  const target = await realpath(join(root, name)).catch(() => undefined)
  if (target === undefined) return undefined
  if (!target.startsWith(root + sep)) throw invalid('the file is outside of the trainer’s folder', name)
  const { size } = await stat(target)
  if (size > MAX_FILE_BYTES) throw invalid(`the file has ${size} bytes; at most ${MAX_FILE_BYTES} are read`, name)
  return await readFile(target, 'utf8')
}

function invalid(message: string, file: string): EnvironmentError {
  return new EnvironmentError('dependencies_invalid', message, { file })
}
