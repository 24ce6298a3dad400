import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { z } from 'zod'
import { buildCommands, buildFolders, buildVariables, environmentKey } from './build/build-plan.ts'
import type { BuildSandbox } from './build/build-sandbox.ts'
import { blameLargest, explainFailure } from './build/explain-failure.ts'
import { runCommand } from './build/run-command.ts'
import { SharedBuilds } from './build/shared-builds.ts'
import { folderBytes, requireSpace, type SpaceLimits, tooLarge, watchSpace } from './build/watch-space.ts'
import { type Dependencies, readDependencies } from './dependencies/read-dependencies.ts'
import { EnvironmentError } from './errors.ts'
import { findUv } from './find-uv.ts'
import { addressesOf, type Indexes, readIndexes, withoutCredentials } from './indexes.ts'
import { Pythons } from './python/choose-python.ts'
import type { Environment, Python } from './python/find-pythons.ts'

export interface EnvironmentStoreOptions {
  /** Holds one folder for each environment. Several programs can share it. */
  dir: string
  /** The variables of this program: PATH, UV_PATH, PYTHON_INDEX_URL and pip's. Default: `process.env`. */
  env?: Environment | undefined
  /** Undefined: packages are installed with the permissions of this user, and with the user's own cache of uv. */
  sandbox?: BuildSandbox | undefined
  /** For all environments together; the least recently used ones are removed. Default: 50 GB. */
  maxBytes?: number | undefined
  /** What has to stay free on the disk. Default: 500 MB. */
  minFreeBytes?: number | undefined
  /** Default: 30 minutes. */
  timeoutMs?: number | undefined
  /** Environments that running trainers use, by key. Default: none. */
  keysInUse?: (() => Promise<ReadonlySet<string>>) | undefined
  /** Whether a file of a trainer's folder, by its path in it, is to be treated as missing. Default: none is. */
  isIgnored?: ((path: string) => boolean) | undefined
}

export interface PrepareOptions {
  signal?: AbortSignal | undefined
  /** What happens, line by line, for the log. */
  onLine?: ((line: string) => void) | undefined
}

/** An environment that is complete. */
export interface PreparedEnvironment {
  key: string
  /** Holds `bin/python`. Read only for trainers. */
  dir: string
  pythonVersion: string
  /** The folder with the libraries of the Python, which the environment needs too. */
  pythonPrefix: string
  /** The file that declares what is installed. */
  file: string
}

type RunnableManifest = Pick<TrainerManifest, 'runtime' | 'entrypoints'>

const Description = z.object({
  pythonVersion: z.string(),
  pythonPrefix: z.string(),
  file: z.string(),
  sizeBytes: z.number(),
})
/** The certificates of the machine, with those of its administrators. uv has only public ones of its own. */
const CERTIFICATES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']
const DESCRIPTION = 'environment.json'
const DRAFT = /^\.draft-(\d+)-/
/** An environment is not removed for this long after it was asked for: its trainer may be starting. */
const KEEP_MS = 120_000

/**
 * The Python environments of a machine, by what is installed in them. An environment is made once, by uv, and appears complete or
 * not at all.
 */
export class EnvironmentStore {
  readonly #dir: string
  readonly #env: Environment
  readonly #options: EnvironmentStoreOptions
  readonly #limits: SpaceLimits
  readonly #builds = new SharedBuilds<PreparedEnvironment>()
  readonly #drafts = new Set<string>()
  readonly #pythons: Pythons

  constructor(options: EnvironmentStoreOptions) {
    this.#dir = resolve(options.dir)
    this.#env = options.env ?? process.env
    this.#options = options
    this.#pythons = new Pythons(this.#env)
    this.#limits = { maxBytes: options.maxBytes ?? 50e9, minFreeBytes: options.minFreeBytes ?? 500e6 }
  }

  /**
   * The environment of the trainer in a folder. Undefined: its manifest asks for none.
   *
   * @throws EnvironmentError which names file, line and package
   */
  async prepare(
    trainerDir: string,
    { runtime, entrypoints }: RunnableManifest,
    { signal, onLine = () => {} }: PrepareOptions = {},
  ): Promise<PreparedEnvironment | undefined> {
    if (runtime === undefined) return undefined
    const { isIgnored } = this.#options
    const dependencies = await readDependencies(trainerDir, runtime, entrypoints, { isIgnored })
    const python = await this.#pythons.choose([runtime.python, ...dependencies.pythonRanges])
    const indexes = await readIndexes(this.#env)
    const key = environmentKey(dependencies, python, indexes)
    const known = await this.#find(key)
    if (known !== undefined) return known
    const build = { key, dependencies, python, indexes }
    return await this.#builds.join(key, { signal, onLine }, (own) => this.#build(build, own))
  }

  /** Removes what builds of ended programs left. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const owner = DRAFT.exec(name)?.[1]
      const isLeft = owner !== undefined && !this.#drafts.has(name) && !isOther(Number(owner))
      if (isLeft) await killBuild(join(this.#dir, name))
      if (isLeft || name.startsWith('.removed-')) await removeFolder(join(this.#dir, name))
    }
  }

  /** Undefined: it does not exist. Otherwise it counts as used now. */
  async #find(key: string): Promise<PreparedEnvironment | undefined> {
    const file = join(this.#dir, key, DESCRIPTION)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) return undefined
    const { pythonVersion, pythonPrefix, file: declaredIn } = Description.parse(JSON.parse(text))
    const now = new Date()
    await utimes(file, now, now).catch(() => {})
    return { key, dir: join(this.#dir, key, 'environment'), pythonVersion, pythonPrefix, file: declaredIn }
  }

  async #build(
    build: { key: string; dependencies: Dependencies; python: Python; indexes: Indexes },
    { signal, onLine }: { signal: AbortSignal; onLine: (line: string) => void },
  ): Promise<PreparedEnvironment> {
    const { key, dependencies, python, indexes } = build
    await mkdir(this.#dir, { recursive: true })
    await this.removeLeftovers()
    await requireSpace(this.#dir, this.#limits)
    const name = `.draft-${process.pid}-${randomUUID()}`
    const draft = join(this.#dir, name)
    this.#drafts.add(name)
    try {
      const from = indexes.urls.map(withoutCredentials).join(', ')
      onLine(
        `Preparing the Python environment of ${dependencies.file}: Python ${python.version}, packages from ${from}`,
      )
      const begunAt = performance.now()
      const sizeBytes = await this.#install(draft, build, { signal, onLine })
      const { environmentDir } = buildFolders(draft)
      const complete = join(draft, 'complete')
      await mkdir(complete)
      await rename(environmentDir, join(complete, 'environment'))
      const description = {
        pythonVersion: python.version,
        pythonPrefix: python.prefix,
        file: dependencies.file,
        sizeBytes,
      }
      await writeFile(join(complete, DESCRIPTION), JSON.stringify(description))
      await rename(complete, join(this.#dir, key)).catch((error: unknown) => {
        // Another program was faster.
        if (!existsSync(join(this.#dir, key, DESCRIPTION))) throw error
      })
      onLine(`The environment is ready after ${((performance.now() - begunAt) / 1000).toFixed(1)} s`)
    } finally {
      await removeFolder(draft)
      this.#drafts.delete(name)
    }
    await this.#removeOld(key)
    const made = await this.#find(key)
    if (made === undefined) throw new EnvironmentError('failed', 'the environment was removed while it was prepared')
    return made
  }

  /** Resolves with the size of the environment, in bytes. */
  async #install(
    draft: string,
    { dependencies, python, indexes }: { dependencies: Dependencies; python: Python; indexes: Indexes },
    { signal: outer, onLine }: { signal: AbortSignal; onLine: (line: string) => void },
  ): Promise<number> {
    const { sandbox, timeoutMs = 1_800_000 } = this.#options
    const uv = await findUv(this.#env)
    const folders = buildFolders(draft)
    for (const dir of [folders.projectDir, folders.cacheDir, folders.tmpDir, folders.homeDir])
      await mkdir(dir, { recursive: true })
    for (const [file, text] of dependencies.files) {
      await mkdir(dirname(join(folders.projectDir, file)), { recursive: true })
      await writeFile(join(folders.projectDir, file), text)
    }
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(tooLong(timeoutMs)), timeoutMs)
    const unwatch = watchSpace(draft, this.#limits, (error) => stop.abort(error))
    const signal = AbortSignal.any([outer, stop.signal])
    const addresses = addressesOf(indexes)
    const outputFile = join(draft, 'output.log')
    const open = await sandbox?.open({ folders, readPaths: [uv.path, python.prefix], addresses })
    try {
      const variables = { ...this.#baseVariables(folders), ...buildVariables(indexes, folders) }
      // Which Python is used was said before, with less of a temporary folder in it.
      const show = (line: string) => !line.startsWith('Using Python ') && onLine(withoutPaths(line, folders))
      for (const command of buildCommands(uv.path, python, dependencies, folders)) {
        const { argv, env } = open?.wrap(command, variables) ?? { argv: command, env: variables }
        const { failure, output } = await runCommand(argv, {
          cwd: folders.projectDir,
          env,
          signal,
          onLine: show,
          outputFile,
        })
        if (failure !== undefined)
          throw explainFailure(withoutPaths(output, folders), { dependencies, addresses, exit: failure })
      }
      const sizeBytes = await folderBytes(folders.environmentDir)
      if (sizeBytes > this.#limits.maxBytes) throw tooLarge(sizeBytes, this.#limits)
      return sizeBytes
    } catch (error) {
      if (!(error instanceof EnvironmentError) || error.code !== 'no_space' || error.package !== undefined) throw error
      throw blameLargest(error, await readFile(outputFile, 'utf8').catch(() => ''), dependencies)
    } finally {
      clearTimeout(timer)
      unwatch()
      await open?.close()
    }
  }

  /** A sandbox gets none of this program's variables. Without one, uv works as the user has set it up. */
  #baseVariables({ cacheDir, homeDir, tmpDir }: ReturnType<typeof buildFolders>): Record<string, string> {
    const SSL_CERT_FILE = this.#env.SSL_CERT_FILE ?? this.#env.PIP_CERT ?? CERTIFICATES.find((file) => existsSync(file))
    const certificates: Record<string, string> = SSL_CERT_FILE === undefined ? {} : { SSL_CERT_FILE }
    if (this.#options.sandbox !== undefined)
      return {
        ...certificates,
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: homeDir,
        TMPDIR: tmpDir,
        LANG: 'C.UTF-8',
        UV_CACHE_DIR: cacheDir,
        // Trainers cannot write to the environment, and would compile at every start.
        UV_COMPILE_BYTECODE: '1',
      }
    const own = Object.entries(this.#env).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return { ...Object.fromEntries(own.filter(([name]) => name !== 'VIRTUAL_ENV')), ...certificates }
  }

  /** Removes the least recently used environments until the rest fits. */
  async #removeOld(newest: string): Promise<void> {
    const all: { key: string; usedAt: number; sizeBytes: number }[] = []
    for (const key of await readdir(this.#dir)) {
      if (!/^[0-9a-f]{32}$/.test(key)) continue
      const file = join(this.#dir, key, DESCRIPTION)
      const text = await readFile(file, 'utf8').catch(() => undefined)
      if (text === undefined) continue
      const { sizeBytes } = Description.parse(JSON.parse(text))
      all.push({ key, usedAt: (await stat(file)).mtimeMs, sizeBytes })
    }
    let total = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    if (total <= this.#limits.maxBytes) return
    const inUse = (await this.#options.keysInUse?.()) ?? new Set()
    for (const { key, usedAt, sizeBytes } of all.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#limits.maxBytes) return
      if (key === newest || inUse.has(key) || Date.now() - usedAt < KEEP_MS) continue
      const removed = join(this.#dir, `.removed-${randomUUID()}`)
      await rename(join(this.#dir, key), removed).catch(() => {})
      await removeFolder(removed)
      total -= sizeBytes
    }
  }
}

const tooLong = (timeoutMs: number) =>
  new EnvironmentError(
    'timeout',
    `the environment was not ready after ${Math.round(timeoutMs / 1000)} s, which is the limit (PYTHON_ENVIRONMENT_TIMEOUT_SECONDS)`,
  )

/** Whether another program with this number runs. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Without a sandbox, uv and what it started outlive the program that started them. They work in folders of the draft. Linux. */
async function killBuild(draft: string): Promise<void> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (!folder.startsWith(draft + sep)) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended in the meantime.
    }
  }
}

async function removeFolder(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
}

/** Names of temporary folders say nothing to an author. */
function withoutPaths(output: string, { projectDir, workDir }: ReturnType<typeof buildFolders>): string {
  const short = output.replaceAll(`${projectDir}/`, '').replaceAll(`${workDir}/`, '')
  return short.replace(/^Using Python .* environment at: .*\n/m, '')
}
