import { join } from 'node:path'
import { MACHINE_PATH, trainerEnvironment } from '../environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import type { SubprocessConfig } from './config.ts'
import { planNetwork, type TrainerNetwork } from './network/plan-network.ts'
import { START_BEHIND_RELAY } from './network/relay.ts'
import { type Sandbox, type SandboxPlaces, sandboxArgs } from './sandbox.ts'

/** The files of one attempt. The trainer writes in `workDir` only; the rest is between the shim and the runner. */
export interface AttemptFiles {
  dir: string
  workDir: string
  /** What the trainer reads and does not write: its token and settings. */
  inputDir: string
  configFile: string
  /** Rewritten while the attempt runs. */
  tokenFile: string
  /** The devices that it has for itself, separated by commas. */
  devices: string
  /** Leads to its control group, where it has one. */
  cgroup: string
  /** The same, where processes are counted in a group of their own. */
  pidsCgroup: string
  stdout: string
  stderr: string
  /** Made by the shim that may run: a second one finds it and leaves. */
  started: string
  /** Pid of the shim, which leads the process group. */
  shimPid: string
  trainerPid: string
  /** There before the first shim is started. */
  launched: string
  /** With a pid behind it: which process that pid belonged to when it was started. */
  identityPrefix: string
  /** Exit code of the trainer, as the shell gives it. */
  exitCode: string
  /** There once the runner has decided to kill the group; the shim cannot tell its end then. */
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

/** Counted for the whole user, so only against fork bombs. */
const MAX_USER_PROCESSES = 32_768
const MAX_OPEN_FILES = 65_536
/** What `ulimit -f` of POSIX counts in. */
const BLOCK_BYTES = 512

/**
 * Waits for the trainer and leaves its exit code in a file, because the runner that reads it may be another one than the
 * one that started it. `$1` is the attempt's folder, the rest the trainer's command.
 *
 * - The trainer runs in the foreground: shells make background commands ignore SIGINT and SIGQUIT.
 * - The traps let the shim outlive signals to its group; a caught signal, unlike an ignored one, is not inherited.
 * - The inner shell becomes the trainer, so its pid is the one to send SIGTERM to.
 * - It joins the attempt's control group, where there is one, and takes its limits: no core dumps, no file beyond the disk
 *   that the manifest asks for, and what a runaway needs to be stopped. Memory is limited by the group alone: limits of
 *   the address space or of data end V8 and WebAssembly at once, whose reservations are far larger than their use.
 * - The exit code appears by rename, whole or not at all. Then everything that the trainer left behind is killed.
 */
export const SHIM = `
dir=$1; shift
mkdir "$dir/started" 2>/dev/null || exit 0
printf '%s\\n' $$ > "$dir/shim.pid.new" && mv "$dir/shim.pid.new" "$dir/shim.pid"
trap : TERM INT HUP QUIT
/bin/sh -c 'printf "%s\\n" $$ > "$0/trainer.pid.new" && mv "$0/trainer.pid.new" "$0/trainer.pid"
blocks=$1; shift
for group in cgroup cgroup-pids; do
[ ! -e "$0/$group/cgroup.procs" ] || echo $$ > "$0/$group/cgroup.procs" || :
done
ulimit -c 0
[ "$blocks" = 0 ] || ulimit -f "$blocks"
ulimit -u ${MAX_USER_PROCESSES} 2>/dev/null || ulimit -p ${MAX_USER_PROCESSES} 2>/dev/null || :
ulimit -n ${MAX_OPEN_FILES} 2>/dev/null || :
exec "$@"' "$dir" "$@"
code=$?
printf '%s\\n' "$code" > "$dir/exit-code.new" && mv "$dir/exit-code.new" "$dir/exit-code"
kill -KILL 0
`

export interface ProcessSpec {
  file: string
  args: string[]
  cwd: string
  env: Record<string, string>
  /** To be written to the attempt's `configFile`. */
  configText?: string
}

/** Within the sandbox the program is started by a shell, which says "not found" as shells do: with code 127. */
const START = 'exec "$@"'

/** In front of the trainer's command, within the sandbox. */
const startArgs = (relay: readonly string[] | undefined): string[] => [
  ...['/bin/sh', '-c', relay === undefined ? START : START_BEHIND_RELAY, 'trainyard-start'],
  ...(relay ?? []),
]

export interface SpecOptions {
  sandbox?: Sandbox | undefined
  /** Undefined: nobody counts them, and all are seen. */
  devices?: readonly string[] | undefined
  /** Undefined: it has the machine's. */
  network?: TrainerNetwork | undefined
  trainerCopy?: SandboxPlaces['trainerCopy'] | undefined
}

/** Job → command, environment and folder. */
export function processSpec(
  request: LaunchRequest,
  config: SubprocessConfig,
  { sandbox, devices, network, trainerCopy }: SpecOptions = {},
): ProcessSpec {
  const files = attemptFiles(config, request)
  const { env, configText } = trainerEnvironment(request, {
    workDir: files.workDir,
    tmpDir: join(files.workDir, 'tmp'),
    datasetCacheDir: config.datasetCacheDir,
    datasetCacheMaxGb: config.datasetCacheMaxGb,
    isCacheShown: true,
    configFile: files.configFile,
    tokenFile: files.tokenFile,
    path: [...(config.toolsDir === undefined ? [] : [config.toolsDir]), ...MACHINE_PATH],
  })
  if (request.trainer.type !== 'folder') throw new Error('processes run from folders; an image needs a container')
  const places: SandboxPlaces = {
    trainerDir: request.trainer.dir,
    workDir: files.workDir,
    tmpDir: join(files.workDir, 'tmp'),
    inputDir: files.inputDir,
    datasetCacheDir: config.datasetCacheDir,
    toolsDir: config.toolsDir,
    ...(network === undefined ? {} : { gateDir: network.gateDir }),
    ...(trainerCopy === undefined ? {} : { trainerCopy }),
  }
  const planned = network === undefined ? undefined : planNetwork(request, network)
  const relay =
    network === undefined || planned === undefined
      ? undefined
      : [process.execPath, network.relay, JSON.stringify(planned.plan)]
  const command =
    sandbox === undefined
      ? request.argv
      : [sandbox.program, ...sandboxArgs(sandbox, places), ...startArgs(relay), ...request.argv]
  const { diskGb } = request.resources
  const blocks = diskGb === undefined ? 0 : Math.ceil((diskGb * 1024 ** 3) / BLOCK_BYTES)
  return {
    file: '/bin/sh',
    // Arguments never pass through the script's text, so no name can break out of it.
    args: ['-c', SHIM, 'trainyard-shim', files.dir, String(blocks), ...command],
    cwd: request.trainer.dir,
    env: {
      ...env,
      ...planned?.env,
      // One that asks for none sees none: no two jobs on one device.
      ...(devices === undefined ? {} : { CUDA_VISIBLE_DEVICES: devices.join(',') }),
    },
    ...(configText === undefined ? {} : { configText }),
  }
}
