import { randomUUID } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { formatBytes } from '@trainyard/contract/format'
import type { Logger } from '@trainyard/platform'
import { SandboxUnavailable } from '../../errors.ts'
import { openCacheFolder } from '../cache-folder.ts'
import type { AttemptRef, Launcher } from '../launcher.ts'
import { isCode, removeFolder, writeAtomically } from './attempt-folder.ts'
import { createBuildSandbox } from './build-sandbox.ts'
import { type CgroupParent, removeCgroup } from './cgroups.ts'
import type { SubprocessConfig } from './config.ts'
import { countDevices } from './devices.ts'
import { createDiskWatch, type DiskUse } from './disk-watch.ts'
import type { SeparateUsers } from './find-separate-users.ts'
import { installTools } from './install-tools.ts'
import { killUser } from './kill-user.ts'
import type { SubprocessLimits } from './limits.ts'
import { measureProcess } from './measure-process.ts'
import { openGateway } from './network/gateway.ts'
import type { TrainerNetwork } from './network/plan-network.ts'
import { readOrCreateKey } from './network/policy.ts'
import { RELAY } from './network/relay.ts'
import { observeProcess } from './observe-process.ts'
import { openSpool } from './open-spool.ts'
import { readOutput } from './read-output.ts'
import { attemptId } from './sandbox/identity.ts'
import type { Elsewhere, TrainerCopy } from './sandbox/mounts.ts'
import type { Sandbox } from './sandbox/sandbox.ts'
import { assembleFilter } from './sandbox/seccomp.ts'
import { type AttemptFiles, attemptFiles, FILTER_FILE, parseAttemptName } from './spec.ts'
import { startProcess } from './start-process.ts'
import { killOrphan, stopProcess } from './stop-process.ts'

export interface SubprocessLauncherOptions extends SubprocessConfig {
  logger: Logger
  /** From `findSandbox`. Undefined: trainers can do what this user can. */
  sandbox?: Sandbox | undefined
  /** From `detectIsolation`, where there is no sandbox: each attempt runs as a user of its own. */
  separateUsers?: SeparateUsers | undefined
  /** The operator's limits. Undefined: only what manifests declare. */
  limits?: SubprocessLimits | undefined
  /** From `detectIsolation`: why trainers are not in a sandbox. */
  weakness?: string | undefined
  /** Why no trainer is started. */
  refusal?: string | undefined
  /** From `findCgroupParent`. Undefined: memory is not limited. */
  cgroups?: CgroupParent | undefined
  /** From `detectIsolation`. If defined, trainers have a network of their own and reach these addresses. */
  egress?: readonly string[] | undefined
  /** Mounted in place of the trainer's own folder, which is read-only. */
  trainerCopy?: TrainerCopy | undefined
  /** Folders outside of the work folder that trainers can write to. Default: only /tmp, which is in the work folder. */
  elsewhere?: readonly Elsewhere[] | undefined
  /** Mounts the dataset cache writable, so that changes of a trainer can be seen. Default: read-only. */
  datasetCacheIsWritable?: boolean | undefined
  /** Called with each host that the proxy refused to a trainer. */
  onRefused?: ((host: string) => void) | undefined
}

/** Runs trainers as processes of this machine. They outlive the runner. */
export function createSubprocessLauncher(options: SubprocessLauncherOptions): Launcher {
  const { logger, sandbox, cgroups, egress, trainerCopy, elsewhere = [], limits, refusal, separateUsers } = options
  const config = {
    ...options,
    attemptsDir: resolve(options.attemptsDir),
    datasetCacheDir: resolve(options.datasetCacheDir),
    toolsDir: resolve(options.toolsDir ?? join(options.attemptsDir, 'tools')),
  }
  // Without a sandbox, users of attempts have to reach their folders.
  prepareFolder(config.attemptsDir, separateUsers === undefined || sandbox !== undefined ? 0o700 : 0o711)
  if (options.toolsDir === undefined) installTools(join(config.attemptsDir, 'tools'))
  const filesOf = (ref: AttemptRef) => attemptFiles(config, ref)
  const network = sandbox === undefined || egress === undefined ? undefined : prepareNetwork(config, egress)
  if (sandbox?.filter !== undefined) writeFile(config.toolsDir, FILTER_FILE, assembleFilter(sandbox.filter))
  const host = readHostId(config.attemptsDir)
  const ids = sandbox === undefined ? separateUsers?.ids : sandbox.ids
  const idOf = (ref: AttemptRef) => ids && attemptId(ids, host, ref)
  /** Ids are digests: where few exist, two attempts can have the same one. */
  async function isSharedUser(id: number, { jobId, attempt }: AttemptRef): Promise<boolean> {
    const refs = (await readdir(config.attemptsDir)).map(parseAttemptName)
    return refs.some((one) => one && (one.jobId !== jobId || one.attempt !== attempt) && idOf(one) === id)
  }
  const { datasetCacheIsWritable } = options
  const mounted = { trainerCopy, elsewhere, datasetCacheIsWritable }
  const startOptions = { sandbox, cgroups, network, ...mounted, limits, idOf, tools: separateUsers?.tools }
  const buildOptions = { sandbox, network, ids, tools: separateUsers?.tools, cgroups, limits, host, refusal }
  const builds = createBuildSandbox({ ...buildOptions, toolsDir: config.toolsDir })
  const disk = createDiskWatch([
    ...(trainerCopy === undefined ? [] : [trainerCopy.dir]),
    ...elsewhere.map(({ dir }) => dir),
  ])

  return {
    name: 'subprocess',
    runs: 'folder',
    host,
    warning: options.weakness,
    datasetCache: openCacheFolder(config.datasetCacheDir, config.datasetCacheMaxGb),
    capabilities: {
      gpu: true,
      memoryLimit: cgroups !== undefined,
      networkPolicy: network !== undefined,
      imagePull: false,
      diskLimit: true,
    },
    environmentBuilds: {
      sandbox: builds,
      keysInUse: () => readEnvironmentsInUse(config.attemptsDir),
      environmentOf: (ref) => readlink(filesOf(ref).environment).catch(() => undefined),
    },
    openGateway:
      network && ((app, limits) => openGateway(network.gatewayDir, network.key, app, limits, options.onRefused)),
    async launch(request, { signal } = {}) {
      if (refusal !== undefined) throw new SandboxUnavailable(refusal)
      await startProcess(request, config, { ...startOptions, signal })
      logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
    },
    async observe(ref) {
      const files = filesOf(ref)
      const seen = await observeProcess(files)
      if (seen.state !== 'running') return seen
      const excess = disk.findExcess(files)
      if (excess === undefined) return seen
      await endOverDisk(files, excess)
      return await observeProcess(files)
    },
    measure: (ref) => measureProcess(filesOf(ref)),
    stop: (ref, graceMs) => stopProcess(filesOf(ref), graceMs),
    logs: (ref, from, { final = false } = {}) => readOutput(filesOf(ref), from, final),
    openSpool: (ref) => openSpool(filesOf(ref).workDir, ref.attempt),
    async *list() {
      for (const name of await readdir(config.attemptsDir)) {
        const ref = parseAttemptName(name)
        if (ref !== undefined) yield ref
      }
    },
    devices: () => countDevices(config),
    renewToken: (ref, token) => writeAtomically(filesOf(ref).tokenFile, token, idOf(ref)),
    async remove(ref) {
      const files = filesOf(ref)
      await stopProcess(files, 0)
      await killOrphan(files)
      const id = sandbox === undefined ? idOf(ref) : undefined
      if (id !== undefined && !(await isSharedUser(id, ref))) await killUser(id)
      await removeCgroup(files.cgroup)
      await removeCgroup(files.pidsCgroup)
      await removeFolder(files.dir)
      disk.forget(files)
    },
  }
}

/** The keys of the environments to which attempts link. */
async function readEnvironmentsInUse(attemptsDir: string): Promise<ReadonlySet<string>> {
  const names = (await readdir(attemptsDir)).filter((name) => parseAttemptName(name) !== undefined)
  const links = await Promise.all(
    names.map((name) => readlink(join(attemptsDir, name, 'environment')).catch(() => undefined)),
  )
  return new Set(links.flatMap((link) => (link === undefined ? [] : [basename(dirname(link))])))
}

/** Kills an attempt whose files are larger than its limit. */
async function endOverDisk(files: AttemptFiles, { usedBytes, limitBytes }: DiskUse): Promise<void> {
  const used = `its files use ${formatBytes(usedBytes)}; the limit is ${formatBytes(limitBytes)}`
  await writeAtomically(files.overDisk, used)
  await stopProcess(files, 0)
}

function prepareFolder(dir: string, mode: number): void {
  mkdirSync(dir, { recursive: true, mode })
  try {
    chmodSync(dir, mode)
  } catch {
    // Another user owns the folder and sets its permissions.
  }
}

/** Atomic, because another runner with the same folder may be starting a trainer at this moment. */
function writeFile(dir: string, name: string, content: string | Buffer): void {
  mkdirSync(dir, { recursive: true })
  const temporary = join(dir, `${name}.${process.pid}`)
  writeFileSync(temporary, content)
  renameSync(temporary, join(dir, name))
}

/** Creates the files that give every attempt a network of its own. */
function prepareNetwork(
  { attemptsDir, toolsDir }: { attemptsDir: string; toolsDir: string },
  trusted: readonly string[],
): TrainerNetwork {
  const gatewayDir = join(attemptsDir, 'gate')
  prepareFolder(gatewayDir, 0o755)
  writeFile(toolsDir, 'relay.cjs', RELAY)
  const relay = join(toolsDir, 'relay.cjs')
  return { gatewayDir, relay, key: readOrCreateKey(join(attemptsDir, 'network-key')), trusted }
}

/** Every runner with the same folder can observe its attempts. A random id in the folder names it. */
function readHostId(attemptsDir: string): string {
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
