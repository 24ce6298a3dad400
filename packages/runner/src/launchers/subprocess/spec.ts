import { join } from 'node:path'
import { MACHINE_PATH, trainerEnvironment } from '../environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import type { SubprocessConfig } from './config.ts'
import { planNetwork, type TrainerNetwork } from './network/plan-network.ts'
import { START_BEHIND_RELAY } from './network/relay.ts'
import { type Sandbox, type SandboxPaths, sandboxArgs, type TrainerCopy } from './sandbox.ts'
import { SHIM } from './shim.ts'

/** The files of one attempt. The trainer writes to `workDir` only. The others are used by the shim and the runner. */
export interface AttemptFiles {
  dir: string
  workDir: string
  /** Token and configuration, which the trainer only reads. */
  inputDir: string
  configFile: string
  /** Replaced while the attempt runs. */
  tokenFile: string
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

/** The unit of `ulimit -f` in POSIX. */
const BLOCK_BYTES = 512

export interface ProcessSpec {
  file: string
  args: string[]
  cwd: string
  env: Record<string, string>
  /** To be written to the attempt's `configFile`. */
  configText: string | undefined
}

/** In the sandbox a shell starts the program, so that a missing program gives exit code 127. */
const START = 'exec "$@"'

/** The arguments in front of the trainer's command, in the sandbox. */
const startArgs = (relay: readonly string[] | undefined): string[] => [
  ...['/bin/sh', '-c', relay === undefined ? START : START_BEHIND_RELAY, 'trainyard-start'],
  ...(relay ?? []),
]

export interface SpecOptions {
  sandbox?: Sandbox | undefined
  /** Undefined: devices are not assigned, and the trainer sees all of them. */
  devices?: readonly string[] | undefined
  /** Undefined: the machine's network. */
  network?: TrainerNetwork | undefined
  trainerCopy?: TrainerCopy | undefined
}

/** Builds the process of an attempt. */
export function processSpec(
  request: LaunchRequest,
  config: SubprocessConfig,
  { sandbox, devices, network, trainerCopy }: SpecOptions = {},
): ProcessSpec {
  const { trainer, resources, argv } = request
  if (trainer.type !== 'folder') throw new Error('expected a folder, got an image: processes run from folders only')
  const { datasetCacheDir, datasetCacheMaxGb, toolsDir } = config
  const files = attemptFiles(config, request)
  const tmpDir = join(files.workDir, 'tmp')
  const { env, configText } = trainerEnvironment(request, {
    workDir: files.workDir,
    tmpDir,
    datasetCacheDir,
    datasetCacheMaxGb,
    isCacheFilledByRunner: true,
    configFile: files.configFile,
    tokenFile: files.tokenFile,
    path: toolsDir === undefined ? MACHINE_PATH : [toolsDir, ...MACHINE_PATH],
  })
  const planned = network && planNetwork(request, network)
  const relay = network && [process.execPath, network.relay, JSON.stringify(planned?.plan)]
  const paths: SandboxPaths = {
    trainerDir: trainer.dir,
    workDir: files.workDir,
    tmpDir,
    inputDir: files.inputDir,
    datasetCacheDir,
    toolsDir,
    gatewayDir: network?.gatewayDir,
    trainerCopy,
  }
  const command =
    sandbox === undefined ? argv : [sandbox.program, ...sandboxArgs(sandbox, paths), ...startArgs(relay), ...argv]
  const { diskGb } = resources
  const blocks = diskGb === undefined ? 0 : Math.ceil((diskGb * 1024 ** 3) / BLOCK_BYTES)
  Object.assign(env, planned?.env)
  // A trainer that requests no device sees none, so that two jobs never share one.
  if (devices !== undefined) env.CUDA_VISIBLE_DEVICES = devices.join(',')
  return {
    file: '/bin/sh',
    // Arguments are never part of the script's text, so they cannot inject commands.
    args: ['-c', SHIM, 'trainyard-shim', files.dir, String(blocks), ...command],
    cwd: trainer.dir,
    env,
    configText,
  }
}
