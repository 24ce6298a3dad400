import { join } from 'node:path'
import { CONTAINER_PATHS } from '../container-environment.ts'
import { MACHINE_PATH, trainerEnvironment } from '../environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import { programOf } from '../program-of.ts'
import type { SubprocessConfig } from './config.ts'
import { type AttemptLimits, shimLimits } from './limits.ts'
import { planNetwork, type TrainerNetwork } from './network/plan-network.ts'
import { START_BEHIND_RELAY } from './network/relay.ts'
import { type Elsewhere, planMounts, type TrainerCopy } from './sandbox/mounts.ts'
import { dropToUser } from './sandbox/privileges.ts'
import type { Sandbox, SandboxTools } from './sandbox/sandbox.ts'
import { sandboxCommand } from './sandbox/sandbox-command.ts'
import { BECOME_TRAINER, SHIM } from './shim.ts'

/** The files of one attempt. The trainer writes to `workDir` only. The others are used by the shim and the runner. */
export interface AttemptFiles {
  dir: string
  workDir: string
  /** Token and configuration, which the trainer only reads. */
  inputDir: string
  configFile: string
  /** Replaced while the attempt runs. */
  tokenFile: string
  /** Empty. A sandbox can build its file system in it. */
  rootDir: string
  /** The disk limit in bytes, if it has one. */
  diskLimit: string
  /** Exists once the attempt was ended because of its disk limit. Its content says how much it used. */
  overDisk: string
  /** Not empty once the sandbox has started the trainer. */
  entered: string
  /** Link to the Python environment that it uses, if it uses one. */
  environment: string
  /** The devices that are assigned to it, separated by commas. */
  devices: string
  /** Link to its control group, if it has one. */
  cgroup: string
  /** Link to the group that counts its processes, where that is a separate one. */
  pidsCgroup: string
  stdout: string
  stderr: string
  /** Created by the first shim. Another shim that finds it exits. */
  started: string
  /** Pid of the shim, which leads the process group. */
  shimPid: string
  trainerPid: string
  /** Exists before the first shim is started. */
  launched: string
  /** Followed by a pid: identifies the process that had this pid when it was started. */
  identityPrefix: string
  /** Exit code of the trainer, as the shell reports it. */
  exitCode: string
  /** Exists once the runner has decided to kill the process group. The shim cannot report an exit code then. */
  killed: string
}

export function attemptName({ jobId, attempt }: AttemptRef): string {
  return `trainyard-${jobId}-${attempt}`
}

/** The reverse of {@link attemptName}. */
export function parseAttemptName(name: string): AttemptRef | undefined {
  const match = /^trainyard-(\d{1,16})-(\d{1,7})$/.exec(name)
  return match === null ? undefined : { jobId: Number(match[1]), attempt: Number(match[2]) }
}

export function attemptFiles(config: SubprocessConfig, ref: AttemptRef): AttemptFiles {
  const dir = join(config.attemptsDir, attemptName(ref))
  return {
    dir,
    workDir: join(dir, 'work'),
    inputDir: join(dir, 'input'),
    configFile: join(dir, 'input', 'config.json'),
    tokenFile: join(dir, 'input', 'token'),
    rootDir: join(dir, 'root'),
    diskLimit: join(dir, 'disk-limit'),
    overDisk: join(dir, 'over-disk'),
    entered: join(dir, 'entered'),
    environment: join(dir, 'environment'),
    devices: join(dir, 'devices'),
    cgroup: join(dir, 'cgroup'),
    pidsCgroup: join(dir, 'cgroup-pids'),
    stdout: join(dir, 'stdout.log'),
    stderr: join(dir, 'stderr.log'),
    started: join(dir, 'started'),
    shimPid: join(dir, 'shim.pid'),
    trainerPid: join(dir, 'trainer.pid'),
    launched: join(dir, 'launched'),
    identityPrefix: join(dir, 'identity-'),
    exitCode: join(dir, 'exit-code'),
    killed: join(dir, 'killed'),
  }
}

export interface ProcessSpec {
  file: string
  args: string[]
  cwd: string
  env: Record<string, string>
  /** To be written to the attempt's `configFile`. */
  configText: string | undefined
}

/** The name of the filter's file in the folder of tools. */
export const FILTER_FILE = 'seccomp.bpf'

/** A shell starts the program, so that a missing program gives exit code 127. */
const startArgs = (relay: readonly string[] | undefined): string[] => [
  ...['/bin/sh', '-c', relay === undefined ? BECOME_TRAINER : START_BEHIND_RELAY, 'trainyard-start'],
  ...(relay ?? []),
]

export interface SpecOptions {
  sandbox?: Sandbox | undefined
  /** The attempt's own user. Undefined: the runner's. */
  id?: number | undefined
  /** The programs that change the user, without a sandbox. */
  tools?: SandboxTools | undefined
  limits: AttemptLimits
  /** Whether a control group limits memory. */
  hasMemoryGroup?: boolean | undefined
  /** Undefined: devices are not assigned, and the trainer sees all of them. */
  devices?: readonly string[] | undefined
  /** Undefined: the machine's network. */
  network?: TrainerNetwork | undefined
  trainerCopy?: TrainerCopy | undefined
  elsewhere?: readonly Elsewhere[] | undefined
  datasetCacheIsWritable?: boolean | undefined
}

/** Builds the process of an attempt. */
export function processSpec(request: LaunchRequest, config: SubprocessConfig, options: SpecOptions): ProcessSpec {
  const { trainer, environment } = request
  if (trainer.type !== 'folder') throw new Error('expected a folder, got an image: processes run from folders only')
  const { devices, network, limits, hasMemoryGroup = false } = options
  const { datasetCacheDir, datasetCacheMaxGb, toolsDir, readPaths = [] } = config
  const files = attemptFiles(config, request)
  // In a sandbox the same in every attempt: a checkpoint can contain paths, and a resumed training uses them again.
  const workDir = options.sandbox === undefined ? files.workDir : CONTAINER_PATHS.workDir
  const { env, configText } = trainerEnvironment(request, {
    workDir,
    tmpDir: join(workDir, 'tmp'),
    datasetCacheDir,
    datasetCacheMaxGb,
    isCacheFilledByRunner: true,
    configFile: files.configFile,
    tokenFile: files.tokenFile,
    path: [
      ...(toolsDir === undefined ? [] : [toolsDir]),
      ...(environment === undefined ? [] : [join(environment.dir, 'bin')]),
      ...MACHINE_PATH,
      ...readPaths.map((path) => join(path, 'bin')),
    ],
  })
  const planned = network && planNetwork(request, network)
  const relay = network && [process.execPath, network.relay, JSON.stringify(planned?.plan)]
  Object.assign(env, planned?.env)
  if (environment !== undefined) env.VIRTUAL_ENV = environment.dir
  // A trainer that requests no device sees none, so that two jobs never share one.
  if (devices !== undefined) env.CUDA_VISIBLE_DEVICES = devices.join(',')
  const command = [
    ...isolate({ trainerDir: trainer.dir, environment }, files, config, options),
    ...startArgs(relay),
    ...programOf(request),
  ]
  return {
    file: '/bin/sh',
    // Arguments are never part of the script's text, so they cannot inject commands.
    args: ['-c', SHIM, 'trainyard-shim', files.dir, ...shimLimits(limits, hasMemoryGroup), ...command],
    cwd: trainer.dir,
    env,
    configText,
  }
}

/** The arguments that isolate what follows. */
function isolate(
  { trainerDir, environment }: { trainerDir: string; environment: LaunchRequest['environment'] },
  files: AttemptFiles,
  { datasetCacheDir, toolsDir = '' }: SubprocessConfig,
  { sandbox, id, tools, limits, network, trainerCopy, elsewhere, datasetCacheIsWritable }: SpecOptions,
): string[] {
  if (sandbox === undefined) return tools === undefined || id === undefined ? [] : dropToUser(tools, id)
  const mounts = planMounts(sandbox.view, {
    trainerDir,
    workDir: files.workDir,
    workMount: CONTAINER_PATHS.workDir,
    tmpDir: join(files.workDir, 'tmp'),
    inputDir: files.inputDir,
    datasetCacheDir,
    toolsDir: toolsDir === '' ? undefined : toolsDir,
    gatewayDir: network?.gatewayDir,
    trainerCopy,
    elsewhere,
    datasetCacheIsWritable,
    readPaths: environment && [environment.dir, environment.pythonPrefix],
  })
  return sandboxCommand(sandbox, {
    mounts,
    id,
    cwd: trainerDir,
    ownNetwork: network !== undefined,
    shmBytes: limits.shmBytes,
    filterFile: join(toolsDir, FILTER_FILE),
    rootDir: files.rootDir,
  })
}
