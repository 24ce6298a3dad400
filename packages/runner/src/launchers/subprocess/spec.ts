import { join } from 'node:path'
import { MACHINE_PATH, trainerEnvironment } from '../environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import type { SubprocessConfig } from './config.ts'

/** The files of one attempt. The trainer writes in `workDir` only; the rest is between the shim and the runner. */
export interface AttemptFiles {
  dir: string
  workDir: string
  configFile: string
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
    configFile: join(dir, 'config.json'),
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

/**
 * Waits for the trainer and leaves its exit code in a file, because the runner that reads it may be another one than the
 * one that started it. `$1` is the attempt's folder, the rest the trainer's command.
 *
 * - The trainer runs in the foreground: shells make background commands ignore SIGINT and SIGQUIT.
 * - The traps let the shim outlive signals to its group; a caught signal, unlike an ignored one, is not inherited.
 * - The inner shell becomes the trainer, so its pid is the one to send SIGTERM to.
 * - The exit code appears by rename, whole or not at all. Then everything that the trainer left behind is killed.
 */
export const SHIM = `
dir=$1; shift
mkdir "$dir/started" 2>/dev/null || exit 0
printf '%s\\n' $$ > "$dir/shim.pid.new" && mv "$dir/shim.pid.new" "$dir/shim.pid"
trap : TERM INT HUP QUIT
/bin/sh -c 'printf "%s\\n" $$ > "$0/trainer.pid.new" && mv "$0/trainer.pid.new" "$0/trainer.pid"; exec "$@"' "$dir" "$@"
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

/** Job → command, environment and folder. */
export function processSpec(request: LaunchRequest, config: SubprocessConfig): ProcessSpec {
  const files = attemptFiles(config, request)
  const { env, configText } = trainerEnvironment(request, {
    workDir: files.workDir,
    tmpDir: join(files.workDir, 'tmp'),
    datasetCacheDir: config.datasetCacheDir,
    datasetCacheMaxGb: config.datasetCacheMaxGb,
    configFile: files.configFile,
    path: [...(config.toolsDir === undefined ? [] : [config.toolsDir]), ...MACHINE_PATH],
  })
  if (request.trainer.type !== 'folder') throw new Error('processes run from folders; an image needs a container')
  return {
    file: '/bin/sh',
    // Arguments never pass through the script's text, so no name can break out of it.
    args: ['-c', SHIM, 'trainyard-shim', files.dir, ...request.argv],
    cwd: request.trainer.dir,
    env,
    ...(configText === undefined ? {} : { configText }),
  }
}
