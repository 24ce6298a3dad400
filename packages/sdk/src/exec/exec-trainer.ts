import { resolve } from 'node:path'
import type { Operation, TrainerManifest } from '@trainyard/contract'
import { findManifest } from '../config/find-manifest.ts'
import type { Environment } from '../config/read-environment.ts'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { FetchOptions } from '../job.ts'
import { runTrainer } from '../run-trainer.ts'
import { type AnyJob, ProgramRun } from './program-run.ts'
import type { PixelKind } from './write-pixels.ts'

export interface ExecTrainerOptions {
  /** The program and its arguments. */
  command: readonly [program: string, ...args: string[]]
  cwd: string
  env: Environment
  /** Arguments of a local run. */
  argv: readonly string[]
  /** Format of the dataset. Default: `imagefolder` for classification, otherwise `dice`. */
  as?: FetchOptions['as'] | undefined
  /** Gives the program a private copy of the dataset. Default false. */
  own?: boolean | undefined
  /** Also gives the program the images as pixels. */
  pixels?: PixelKind | undefined
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  graceMs: number
  allowNaN?: boolean | undefined
}

/**
 * Runs a program in any language as a trainer: with the same session, journal and storage as `runTrainer`, and the program in
 * place of the handlers. Resolves with the exit code.
 */
export async function execTrainer(options: ExecTrainerOptions): Promise<number> {
  const { env, argv, cwd } = options
  let manifest: TrainerManifest | undefined
  try {
    manifest = findManifest(undefined, resolve(cwd, 'program'))
  } catch {
    // The session reads the manifest again, and reports the error.
  }
  return runTrainer(defineExecTrainer(options, manifest), { env, argv })
}

function defineExecTrainer(options: ExecTrainerOptions, manifest: TrainerManifest | undefined): TrainerDefinition {
  const run = (job: AnyJob) => new ProgramRun(job, { ...options, manifest }).run()
  const supports = (operation: Operation) => manifest === undefined || manifest.entrypoints[operation] !== undefined
  return {
    manifest: manifest ?? resolve(options.cwd, 'trainer.json'),
    allowNaN: options.allowNaN,
    train: supports('train') ? run : undefined,
    predict: supports('predict') ? run : undefined,
    export: supports('export') ? run : undefined,
  }
}
