import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from '@trainyard/platform'
import { openCacheFolder } from '../cache-folder.ts'
import type { AttemptRef, Launcher } from '../launcher.ts'
import { isCode, removeFolder, writeAtomically } from './attempt-folder.ts'
import { type CgroupParent, removeCgroup } from './cgroups.ts'
import type { SubprocessConfig } from './config.ts'
import { countDevices } from './devices.ts'
import { installTools } from './install-tools.ts'
import { openGateway } from './network/gateway.ts'
import type { TrainerNetwork } from './network/plan-network.ts'
import { readOrCreateKey } from './network/policy.ts'
import { RELAY } from './network/relay.ts'
import { observeProcess } from './observe-process.ts'
import { readOutput } from './read-output.ts'
import type { Sandbox, TrainerCopy } from './sandbox.ts'
import { attemptFiles, parseAttemptName } from './spec.ts'
import { startProcess } from './start-process.ts'
import { killOrphan, stopProcess } from './stop-process.ts'

export interface SubprocessLauncherOptions extends SubprocessConfig {
  logger: Logger
  /** From `findSandbox`. Undefined: trainers can do what this user can. */
  sandbox?: Sandbox | undefined
  /** From `findCgroupParent`. Undefined: memory is not limited. */
  cgroups?: CgroupParent | undefined
  /** From `detectIsolation`. If defined, trainers have a network of their own and reach these addresses. */
  egress?: readonly string[] | undefined
  /** Limit for one attempt, including threads, where there are control groups. Default: 8192. */
  maxProcesses?: number | undefined
  /** Mounted in place of the trainer's own folder, which is read-only. */
  trainerCopy?: TrainerCopy | undefined
}

/** Runs trainers as processes of this machine. They outlive the runner. */
export function createSubprocessLauncher(options: SubprocessLauncherOptions): Launcher {
  const { logger, sandbox, cgroups, egress, trainerCopy, maxProcesses } = options
  const config = {
    ...options,
    attemptsDir: resolve(options.attemptsDir),
    datasetCacheDir: resolve(options.datasetCacheDir),
    toolsDir: resolve(options.toolsDir ?? join(options.attemptsDir, 'tools')),
  }
  mkdirSync(config.attemptsDir, { recursive: true, mode: 0o700 })
  if (options.toolsDir === undefined) installTools(join(config.attemptsDir, 'tools'))
  const filesOf = (ref: AttemptRef) => attemptFiles(config, ref)
  const network = sandbox === undefined || egress === undefined ? undefined : prepareNetwork(config, egress)
  const startOptions = { sandbox, cgroups, network, trainerCopy, maxProcesses }

  return {
    name: 'subprocess',
    runs: 'folder',
    host: readHostId(config.attemptsDir),
    datasetCache: openCacheFolder(config.datasetCacheDir, config.datasetCacheMaxGb),
    capabilities: {
      gpu: true,
      memoryLimit: cgroups !== undefined,
      networkPolicy: network !== undefined,
      imagePull: false,
    },
    openGateway: network && ((app, limits) => openGateway(network.gatewayDir, network.key, app, limits)),
    async launch(request, { signal } = {}) {
      await startProcess(request, config, { ...startOptions, signal })
      logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
    },
    observe: (ref) => observeProcess(filesOf(ref)),
    stop: (ref, graceMs) => stopProcess(filesOf(ref), graceMs),
    logs: (ref, from, { final = false } = {}) => readOutput(filesOf(ref), from, final),
    async *list() {
      for (const name of await readdir(config.attemptsDir)) {
        const ref = parseAttemptName(name)
        if (ref !== undefined) yield ref
      }
    },
    devices: () => countDevices(config),
    renewToken: (ref, token) => writeAtomically(filesOf(ref).tokenFile, token),
    async remove(ref) {
      const files = filesOf(ref)
      await stopProcess(files, 0)
      await killOrphan(files)
      await removeCgroup(files.cgroup)
      await removeCgroup(files.pidsCgroup)
      await removeFolder(files.dir)
    },
  }
}

/** Creates the files that give every attempt a network of its own. */
function prepareNetwork(
  { attemptsDir, toolsDir }: { attemptsDir: string; toolsDir: string },
  trusted: readonly string[],
): TrainerNetwork {
  const gatewayDir = join(attemptsDir, 'gate')
  mkdirSync(gatewayDir, { recursive: true, mode: 0o700 })
  mkdirSync(toolsDir, { recursive: true })
  const relay = join(toolsDir, 'relay.cjs')
  // Atomic, because another runner with the same folder may be starting a trainer at this moment.
  writeFileSync(`${relay}.${process.pid}`, RELAY)
  renameSync(`${relay}.${process.pid}`, relay)
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
