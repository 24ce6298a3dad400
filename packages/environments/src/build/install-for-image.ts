import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TrainerManifest, TrainerRuntime } from '@trainyard/contract'
import { type Dependencies, readDependencies } from '../dependencies/read-dependencies.ts'
import { EnvironmentError } from '../errors.ts'
import { findUv } from '../find-uv.ts'
import { addressesOf, readIndexes } from '../indexes.ts'
import type { Environment } from '../python/find-pythons.ts'
import { satisfies } from '../python/python-versions.ts'
import { buildFolders, buildVariables } from './build-plan.ts'
import { explainFailure } from './explain-failure.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** The image that packages are installed for. Its machine need not be this one. */
export interface ImageTarget {
  /** For messages. */
  name: string
  /** `3.11`, or `3.11.7` where it is known. */
  pythonVersion: string
  /** The directory with the programs of its Python, such as `/usr/local/bin`. */
  pythonHome: string
  libc: 'glibc' | 'musl'
  /** As images name it: `amd64` or `arm64`. */
  architecture: string
}

export interface InstallForImageOptions {
  /** Where the environment will be in the image: scripts name its Python by its path. */
  path: string
  /** Does not exist yet, or is empty. */
  into: string
  /** Install dependencies that are not locked. The image then depends on the day. Default: false. */
  allowUnlocked?: boolean | undefined
  /** Default: `process.env`. */
  env?: Environment | undefined
  signal?: AbortSignal | undefined
  onLine?: ((line: string) => void) | undefined
}

const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' }
/** A patch release that no Python reaches: an image that names only `3.11` fits what asks for `>=3.11.4`. */
const ANY_PATCH = 99

interface OfTrainer {
  runtime: TrainerRuntime
  entrypoints: TrainerManifest['entrypoints']
}

/**
 * Reads the packages of a trainer for an image. They are checked without the image, which can take long to get.
 *
 * @throws EnvironmentError for a file that is not valid, and for packages without hashes unless those are allowed
 */
export async function readForImage(
  trainerDir: string,
  { runtime, entrypoints }: OfTrainer,
  { allowUnlocked = false }: Pick<InstallForImageOptions, 'allowUnlocked'>,
): Promise<Dependencies> {
  const dependencies = await readDependencies(trainerDir, runtime, entrypoints)
  if (!dependencies.isHashed && !allowUnlocked) throw notLocked(dependencies)
  return dependencies
}

/**
 * Installs the packages of a trainer for the Python of an image, as a virtual environment in a folder. Only wheels: they can be
 * installed without that Python, and run no code. The same lock gives the same files. Resolves with the file that declares the
 * packages.
 *
 * @throws EnvironmentError which names file, line and package
 */
export async function installForImage(
  trainerDir: string,
  trainer: OfTrainer,
  target: ImageTarget,
  options: InstallForImageOptions,
): Promise<string> {
  const { env = process.env, into, path } = options
  const dependencies = await readForImage(trainerDir, trainer, options)
  checkPython([trainer.runtime.python, ...dependencies.pythonRanges], target)
  const draft = await mkdtemp(join(tmpdir(), 'trainyard-build-'))
  try {
    const packages = join(draft, 'packages')
    await runUv(dependencies, target, { ...options, env, draft, packages })
    await arrange(packages, into, { path, target })
    return dependencies.file
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function checkPython(ranges: readonly string[], { name, pythonVersion }: ImageTarget): void {
  const version = /^\d+\.\d+$/.test(pythonVersion) ? `${pythonVersion}.${ANY_PATCH}` : pythonVersion
  const range = ranges.find((one) => !satisfies(version, one))
  if (range === undefined) return
  throw new EnvironmentError(
    'python_missing',
    `the trainer requires Python ${range}, and the base image ${name} has Python ${pythonVersion}. Choose another base image with --base`,
  )
}

function notLocked({ file, kind }: Dependencies): EnvironmentError {
  const advice =
    kind === 'requirements.txt'
      ? 'lock them: uv pip compile --universal --generate-hashes requirements.in -o requirements.txt'
      : kind === 'inline'
        ? 'an image requires requirements.txt with hashes, or uv.lock'
        : 'lock them with "uv lock", and name "uv.lock" in "runtime.dependencies"'
  return new EnvironmentError(
    'dependencies_invalid',
    `the packages are not locked by hashes, so the same folder would not give the same image: ${advice}. To build nevertheless: --unlocked`,
    { file },
  )
}

interface UvOptions extends InstallForImageOptions {
  env: Environment
  draft: string
  packages: string
}

async function runUv(dependencies: Dependencies, target: ImageTarget, options: UvOptions): Promise<void> {
  const { env, draft, packages, onLine = () => undefined } = options
  const uv = await findUv(env)
  const indexes = await readIndexes(env)
  const folders = buildFolders(draft)
  for (const [file, text] of dependencies.files) {
    await mkdir(dirname(join(folders.projectDir, file)), { recursive: true })
    await writeFile(join(folders.projectDir, file), text)
  }
  const own = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const variables = {
    ...Object.fromEntries(own.filter(([name]) => name !== 'VIRTUAL_ENV')),
    ...buildVariables(indexes, folders),
  }
  const withoutPaths = (text: string) =>
    text
      .replaceAll(`${folders.projectDir}/`, '')
      .replaceAll(packages, 'the image')
      .replace(/^Using C?Python .* interpreter at: .*\n/m, '')
  for (const command of commandsOf(uv.path, dependencies, target, { projectDir: folders.projectDir, packages })) {
    const { failure, output }: CommandResult = await runCommand(command, {
      cwd: folders.projectDir,
      env: variables,
      signal: options.signal ?? new AbortController().signal,
      outputFile: join(draft, 'output.log'),
      // Which Python uv itself uses does not matter here.
      onLine: (line) => !/^Using C?Python /.test(line) && onLine(withoutPaths(line)),
    })
    if (failure !== undefined)
      throw explainFailure(withoutPaths(output), { dependencies, addresses: addressesOf(indexes), exit: failure })
  }
}

function commandsOf(
  uv: string,
  { kind, hasHashes }: Dependencies,
  { pythonVersion, libc, architecture }: ImageTarget,
  { projectDir, packages }: { projectDir: string; packages: string },
): string[][] {
  const platform = `${ARCHITECTURES[architecture] ?? architecture}-unknown-linux-${libc === 'musl' ? 'musl' : 'gnu'}`
  const exported = join(projectDir, 'exported.txt')
  const file = kind === 'uv.lock' ? exported : join(projectDir, kind === 'inline' ? 'script.py' : kind)
  const isHashed = kind === 'uv.lock' || hasHashes
  const install = [
    ...[uv, 'pip', 'install', '--target', packages, '--python-version', pythonVersion, '--python-platform', platform],
    ...['--only-binary', ':all:', '--link-mode', 'copy', '--no-compile-bytecode'],
    ...(isHashed ? ['--require-hashes'] : []),
    ...['-r', file],
  ]
  if (kind !== 'uv.lock') return [install]
  const lock = [uv, 'export', '--quiet', '--frozen', '--no-dev', '--no-emit-project', '--project', projectDir]
  return [[...lock, '--output-file', exported], install]
}

/** Makes a virtual environment of a folder of packages. */
async function arrange(
  packages: string,
  into: string,
  { path, target: { pythonVersion, pythonHome } }: { path: string; target: ImageTarget },
): Promise<void> {
  const minor = /^\d+\.\d+/.exec(pythonVersion)?.[0] ?? pythonVersion
  const site = join(into, 'lib', `python${minor}`, 'site-packages')
  await mkdir(packages, { recursive: true })
  await mkdir(dirname(site), { recursive: true })
  const scripts = join(packages, 'bin')
  await rename(scripts, join(into, 'bin')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(packages, site)
  for (const name of await readdir(join(into, 'bin')).catch(() => [])) await renamePython(join(into, 'bin', name), path)
  for (const name of await readdir(site)) {
    const record = join(site, name, 'RECORD')
    const text = name.endsWith('.dist-info') ? await readFile(record, 'utf8').catch(() => undefined) : undefined
    // The hashes of scripts are those with the path of this machine's Python.
    if (text !== undefined) await writeFile(record, text.replaceAll(/^(?:\.\.\/)*bin\/.*\r?\n/gm, ''))
  }
  const settings = [`home = ${pythonHome}`, 'include-system-site-packages = false', `version = ${pythonVersion}`]
  await writeFile(join(into, 'pyvenv.cfg'), `${settings.join('\n')}\n`)
}

/** Scripts name the Python of this machine. */
async function renamePython(file: string, path: string): Promise<void> {
  const text = await readFile(file, 'latin1')
  const own = text.replace(/^#!.*\bpython[\d.]*(?= |$)/m, `#!${path}/bin/python`)
  if (text.startsWith('#!') && own !== text) await writeFile(file, own, 'latin1')
}
