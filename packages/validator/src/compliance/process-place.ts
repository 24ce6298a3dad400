import { access, mkdir, readFile, rmdir, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { IGNORE_FILE_NAME, type IgnoreRules } from '@trainyard/contract'
import { environmentsDir } from '@trainyard/environments'
import { canWorkIn, createFolderTrainerSource, createSubprocessLauncher, type SeparateUsers } from '@trainyard/runner'
import { SandboxUnavailableError } from '../errors.ts'
import { createElsewhere, listElsewhere, PATHS_OF_SANDBOX } from './elsewhere.ts'
import { copyTrainer, openSandbox } from './open-sandbox.ts'
import type { PlaceOptions, RunPlace } from './run-place.ts'
import type { SandboxOptions } from './sandbox-choice.ts'
import { createProcessWatch, type ProcessFinder } from './watch-processes.ts'

export interface ProcessPlaceOptions extends PlaceOptions {
  readonly dir: string
  readonly isIgnored: IgnoreRules | undefined
  readonly sandbox: SandboxOptions
}

/** Runs the trainer of a folder as a process, in the best sandbox of this machine. */
export async function openProcessPlace(options: ProcessPlaceOptions): Promise<RunPlace> {
  const { scratch, cacheDir, cleanups, logger, datasetCacheMaxGb, onRefused } = options
  const sandbox = await openSandbox(options.sandbox, scratch)
  cleanups.add(() => sandbox.close())
  const { sandbox: kind, separateUsers } = sandbox.isolation
  const shown =
    separateUsers !== undefined
      ? await openToUsers(separateUsers, options)
      : kind === undefined
        ? await withoutIgnored(options)
        : options.dir
  const trainers = createFolderTrainerSource(shown)
  const { dir: original } = await trainers.fetchBundle(await trainers.resolve(options.manifest.name))
  // In production the folder is read-only. Here the trainer gets a writable copy, so that its changes can be reported.
  const trainerCopy =
    kind === undefined ? undefined : await copyTrainer(original, join(scratch, 'trainer'), options.isIgnored)
  const elsewhere =
    kind === undefined ? [] : await createElsewhere(join(scratch, 'elsewhere'), PATHS_OF_SANDBOX[kind.kind])
  const attemptsDir = join(scratch, 'attempts')
  const launcher = createSubprocessLauncher({
    ...sandbox.isolation,
    attemptsDir,
    datasetCacheDir: cacheDir,
    datasetCacheMaxGb,
    trainerCopy,
    elsewhere,
    datasetCacheIsWritable: true,
    onRefused,
    logger,
  })
  return {
    launcher,
    trainers,
    processes: createProcessWatch(findShim(attemptsDir)),
    address: undefined,
    note: sandbox.note,
    folder: { original, seen: trainerCopy?.dir ?? original },
    listElsewhere: () => listElsewhere(elsewhere),
  }
}

/** Without a sandbox, the trainer would see its whole folder: a copy leaves out what is not published. */
async function withoutIgnored({ dir, isIgnored, scratch }: ProcessPlaceOptions): Promise<string> {
  const hasRules = await access(join(dir, IGNORE_FILE_NAME)).then(
    () => true,
    () => false,
  )
  if (isIgnored === undefined || !hasRules) return dir
  const copy = await copyTrainer(dir, join(scratch, 'published'), isIgnored)
  for (const name of copy.shown) {
    await rmdir(join(copy.dir, name))
    await symlink(join(resolve(dir), name), join(copy.dir, name))
  }
  return copy.dir
}

/** Makes a copy of the trainer that the users of attempts can read. */
async function openToUsers(
  users: SeparateUsers,
  { dir, isIgnored, scratch, manifest }: ProcessPlaceOptions,
): Promise<string> {
  const copy = await copyTrainer(dir, join(scratch, 'trainer'), isIgnored, true)
  if (manifest.runtime === undefined) return copy.dir
  const environments = environmentsDir(process.env)
  await mkdir(environments, { recursive: true })
  // What failed would be blamed on the trainer.
  if (!(await canWorkIn(users, environments)))
    throw new SandboxUnavailableError(
      `no sandbox here: without one, root runs trainers as users of their own, which cannot enter ${environments}. Set PYTHON_ENVIRONMENTS_DIR to a folder that every user can enter, or start the server as another user`,
    )
  return copy.dir
}

const SHIM_WAITS = 100
const SHIM_WAIT_MS = 50

/** By the files of the process that starts each attempt. */
function findShim(attemptsDir: string): ProcessFinder {
  const read = ({ jobId, attempt }: { jobId: number; attempt: number }, name: string) =>
    readFile(join(attemptsDir, `trainyard-${jobId}-${attempt}`, name), 'utf8').catch(() => '')
  return {
    async findRoot(ref) {
      for (let tries = 0; tries < SHIM_WAITS && !(await read(ref, 'shim.pid')); tries++) await sleep(SHIM_WAIT_MS)
      const pid = Number(await read(ref, 'shim.pid'))
      return pid > 1 ? pid : undefined
    },
    hasEnded: async (ref) => (await read(ref, 'exit-code')) !== '',
  }
}
