import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, processIdentity } from '@trainyard/platform'
import { openCacheFolder } from '../cache-folder.ts'
import type { AttemptRef, ExitReason, Launcher, LaunchRequest, Observation } from '../launcher.ts'
import { type CgroupParent, createCgroup, removeCgroup, wasOutOfMemory } from './cgroups.ts'
import type { SubprocessConfig } from './config.ts'
import { countDevices, takeDevices } from './devices.ts'
import { findTrainer, runsIn } from './find-trainer.ts'
import { installTools } from './install-tools.ts'
import { openGate } from './network/open-gate.ts'
import { keptKey } from './network/policy.ts'
import { RELAY } from './network/relay.ts'
import { readOutput } from './read-output.ts'
import type { Sandbox, SandboxPlaces } from './sandbox.ts'
import {
  type AttemptFiles,
  attemptFiles,
  attemptName,
  parseAttemptName,
  processSpec,
  type SpecOptions,
} from './spec.ts'

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
/** How long a shim may take to write its pid before its launch counts as one that never happened. */
const PID_WAIT_MS = 5000

export interface SubprocessLauncherOptions extends SubprocessConfig {
  logger: Logger
  /** From `findSandbox`. Absent: trainers can do what this user can. */
  sandbox?: Sandbox | undefined
  /** From `findCgroupParent`. Absent: nothing limits their memory. */
  cgroups?: CgroupParent | undefined
  /** From `findMeans`. Absent: trainers have the network of this machine. Present: one of their own, from which they reach these. */
  egress?: readonly string[] | undefined
  /** Of one attempt, threads included, where there are control groups. Default: 8192. */
  maxProcesses?: number | undefined
  /** Instead of a trainer's own folder, which is read-only then, trainers write into a copy. */
  trainerCopy?: SandboxPlaces['trainerCopy'] | undefined
}

/** Runs trainers as processes of this machine that outlive the runner. */
export function createSubprocessLauncher(options: SubprocessLauncherOptions): Launcher {
  const config: SubprocessConfig = {
    ...options,
    attemptsDir: resolve(options.attemptsDir),
    datasetCacheDir: resolve(options.datasetCacheDir),
    toolsDir: resolve(options.toolsDir ?? join(options.attemptsDir, 'tools')),
  }
  const { logger, sandbox, cgroups } = options
  mkdirSync(config.attemptsDir, { recursive: true, mode: 0o700 })
  if (options.toolsDir === undefined) installTools(join(config.attemptsDir, 'tools'))
  const datasetCache = openCacheFolder(config.datasetCacheDir, config.datasetCacheMaxGb)
  const files = (ref: AttemptRef) => attemptFiles(config, ref)
  const network = sandbox === undefined ? undefined : makeNetwork(config, options.egress)
  const { trainerCopy, maxProcesses } = options
  const means = { sandbox, cgroups, network, trainerCopy, maxProcesses }

  return {
    name: 'subprocess',
    runs: 'folder',
    host: hostId(config.attemptsDir),
    datasetCache,
    capabilities: {
      gpu: true,
      memoryLimit: cgroups !== undefined,
      networkPolicy: network !== undefined,
      imagePull: false,
    },
    ...(network === undefined ? {} : { openGate: (app) => openGate(network.gateDir, network.key, app) }),
    async launch(request) {
      await launch(request, config, means)
      logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
    },
    observe: (ref) => observe(files(ref)),
    stop: (ref, graceMs) => stop(files(ref), graceMs),
    logs: (ref, from, { final = false } = {}) => readOutput(files(ref), from, final),
    async *list() {
      for (const name of await readdir(config.attemptsDir)) {
        const ref = parseAttemptName(name)
        if (ref !== undefined) yield ref
      }
    },
    devices: () => countDevices(config),
    async renewToken(ref, token) {
      // The name is the same, the file another: whoever reads it sees the old one or the new one, whole.
      await writeWhole(files(ref).tokenFile, token)
    },
    async remove(ref) {
      await stop(files(ref), 0)
      await killRest(files(ref))
      await removeCgroup(files(ref).cgroup)
      await removeCgroup(files(ref).pidsCgroup)
      await removeFolder(files(ref).dir)
    },
  }
}

function makeNetwork({ attemptsDir, toolsDir }: SubprocessConfig, egress: readonly string[] | undefined) {
  if (egress === undefined || toolsDir === undefined) return undefined
  const gateDir = join(attemptsDir, 'gate')
  mkdirSync(gateDir, { recursive: true, mode: 0o700 })
  mkdirSync(toolsDir, { recursive: true })
  const relay = join(toolsDir, 'relay.cjs')
  // Whole or not at all: another runner over the same folder may be starting a trainer right now.
  writeFileSync(`${relay}.${process.pid}`, RELAY)
  renameSync(`${relay}.${process.pid}`, relay)
  return { gateDir, relay, key: keptKey(join(attemptsDir, 'network-key')), trusted: egress }
}

/** Attempts belong to whoever has their folder: its name is a random text kept in it. */
function hostId(attemptsDir: string): string {
  const file = join(attemptsDir, 'host-id')
  if (!existsSync(file)) {
    try {
      writeFileSync(file, `${randomUUID()}\n`, { flag: 'wx' })
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
    }
  }
  return readFileSync(file, 'utf8').trim()
}

async function launch(
  request: LaunchRequest,
  config: SubprocessConfig,
  means: Omit<SpecOptions, 'devices'> & { cgroups: CgroupParent | undefined; maxProcesses: number | undefined },
): Promise<void> {
  const files = attemptFiles(config, request)
  if (existsSync(files.started)) return
  await mkdir(join(files.workDir, 'tmp'), { recursive: true, mode: 0o700 })
  await mkdir(files.inputDir, { recursive: true, mode: 0o700 })
  const { resources } = request
  const devices = await takeDevices(config, files, resources.gpu ?? 0)
  await createCgroup(means.cgroups, attemptName(request), resources, files, means.maxProcesses)
  const spec = processSpec(request, config, { ...means, devices })
  await writeWhole(files.tokenFile, request.token)
  if (spec.configText !== undefined) await writeFile(files.configFile, spec.configText)
  await writeFile(files.launched, '')
  const stdout = await open(files.stdout, 'a')
  const stderr = await open(files.stderr, 'a')
  try {
    const child = spawn(spec.file, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      // A session and process group of its own: signals to the runner's group do not reach it.
      detached: true,
      // Files, not pipes: a pipe breaks when the runner dies.
      stdio: ['ignore', stdout.fd, stderr.fd],
    })
    await new Promise<void>((resolvePromise, reject) => {
      child.once('spawn', resolvePromise)
      child.once('error', reject)
    })
    child.unref()
    child.on('error', () => {})
    const identity = child.pid === undefined ? undefined : await processIdentity(child.pid)
    if (identity !== undefined) await writeWhole(`${files.identityPrefix}${child.pid}`, identity)
  } finally {
    await stdout.close()
    await stderr.close()
  }
}

async function observe(files: AttemptFiles): Promise<Observation> {
  const exit = await readExit(files)
  if (exit !== undefined) return exit
  const folder = await stat(files.dir).catch(() => undefined)
  if (folder === undefined) return { state: 'absent' }
  const pid = await readPid(files.shimPid)
  if (pid === undefined) {
    // Launched a moment ago, or a runner died between making the folder and starting the shim.
    const age = Date.now() - folder.mtimeMs
    if (existsSync(files.launched) || existsSync(files.started))
      return age < PID_WAIT_MS ? { state: 'running' } : { state: 'lost' }
    return { state: 'absent' }
  }
  if (await isOurs(files, pid)) return { state: 'running' }
  // It may have ended between the two looks.
  const ended = await readExit(files)
  if (ended !== undefined) return ended
  return existsSync(files.dir) ? killedOrLost(files) : { state: 'absent' }
}

async function readExit(files: AttemptFiles): Promise<Observation | undefined> {
  // Through one handle: whoever cleans up may remove the folder between two looks.
  const handle = await open(files.exitCode, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  let text: string
  let finishedAt: Date
  try {
    text = await handle.readFile('utf8')
    finishedAt = (await handle.stat()).mtime
  } finally {
    await handle.close()
  }
  if (!/^\d+\s*$/.test(text)) return undefined
  const exitCode = Number(text)
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined
  return {
    state: 'exited',
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    ...(exitCode === 0 ? {} : await reasonOf(files, signal)),
    finishedAt,
  }
}

async function reasonOf(files: AttemptFiles, signal: string | undefined): Promise<{ reason?: ExitReason }> {
  if (signal === 'SIGXFSZ') return { reason: 'storage_limit' }
  return (await wasOutOfMemory(files.cgroup)) ? { reason: 'out_of_memory' } : {}
}

function killedOrLost(files: AttemptFiles): Observation {
  return existsSync(files.killed)
    ? { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'killed' }
    : { state: 'lost' }
}

async function stop(files: AttemptFiles, graceMs: number): Promise<void> {
  if ((await observe(files)).state !== 'running') return
  if (graceMs > 0) {
    await terminate(files)
    const endsAt = performance.now() + graceMs
    while (performance.now() < endsAt) {
      if ((await observe(files)).state !== 'running') return
      await sleep(Math.min(50, graceMs))
    }
  }
  const pid = await readPid(files.shimPid)
  if (pid === undefined) return
  // The mark comes first: if the runner dies right here, the next one knows how it ended.
  await writeWhole(files.killed, new Date().toISOString())
  if (await isOurs(files, pid)) signalGroup(pid, 'SIGKILL')
  for (let waits = 0; waits < 200 && (await observe(files)).state === 'running'; waits++) await sleep(10)
}

/** SIGTERM to the trainer alone, as `docker stop` does it; its own children are its own business until the grace ends. */
async function terminate(files: AttemptFiles): Promise<void> {
  const shim = await readPid(files.shimPid)
  const find = async () => {
    const pid = await readPid(files.trainerPid)
    return pid === undefined ? undefined : await findTrainer(pid)
  }
  let trainer = await find()
  for (let waits = 0; trainer === undefined && waits < 100; waits++) {
    await sleep(20)
    trainer = await find()
  }
  if (shim === undefined || !(await isOurs(files, shim))) return
  // While the shim lives, the trainer's pid is either the trainer or a zombie: it cannot be anybody else's.
  try {
    if (trainer === undefined) signalGroup(shim, 'SIGTERM')
    else process.kill(trainer, 'SIGTERM')
  } catch (error) {
    if (!isCode(error, 'ESRCH')) throw error
  }
}

/** Somebody else killed the shim: what it had started runs on, and is told by its environment. */
async function killRest(files: AttemptFiles): Promise<void> {
  const shim = await readPid(files.shimPid)
  const trainer = await readPid(files.trainerPid)
  if (shim === undefined || trainer === undefined || !(await runsIn(trainer, files.workDir))) return
  signalGroup(shim, 'SIGKILL')
  for (let waits = 0; waits < 200 && (await runsIn(trainer, files.workDir)); waits++) await sleep(10)
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // macOS answers EPERM for a group of which only zombies are left.
    if (!isCode(error, 'ESRCH') && !isCode(error, 'EPERM')) throw error
  }
}

/** A pid is reused in time; the start time tells whether it is still the process that we started. */
async function isOurs(files: AttemptFiles, pid: number): Promise<boolean> {
  const seen = await processIdentity(pid)
  if (seen === undefined) return false
  const file = `${files.identityPrefix}${pid}`
  const known = await readText(file)
  if (known !== undefined) return known.trim() === seen
  // The runner died between starting the shim and writing this down.
  await writeWhole(file, seen)
  return true
}

async function readPid(file: string): Promise<number | undefined> {
  const pid = Number(await readText(file))
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await writeFile(temporary, text)
    await rename(temporary, file)
  } catch (error) {
    // The attempt was removed meanwhile.
    if (!isCode(error, 'ENOENT')) throw error
  }
}

/** A trainer may have made its own folders unwritable. */
async function removeFolder(dir: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }
  try {
    await rm(dir, options)
  } catch (error) {
    if (!isCode(error, 'EACCES') && !isCode(error, 'EPERM')) throw error
    await unlockFolders(dir)
    await rm(dir, options)
  }
}

async function unlockFolders(dir: string): Promise<void> {
  await chmod(dir, 0o700)
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await unlockFolders(join(dir, entry.name))
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
