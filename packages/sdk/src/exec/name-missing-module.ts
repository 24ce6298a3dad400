import { existsSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { explainMissingModule, findMissingModule, pythonOf, type TrainerManifest } from '@trainyard/contract'
import type { TrainerError } from '@trainyard/contract/trainer-errors'
import type { Environment } from '../config/read-environment.ts'
import { createTrainerError } from '../util/create-trainer-error.ts'

export interface StartedProgram {
  command: readonly string[]
  cwd: string
  env: Environment
  manifest?: TrainerManifest | undefined
}

/** Adds to an error which package the program's Python lacks and which Python that is, if that is why it failed. */
export function nameMissingModule(error: TrainerError, started: StartedProgram): TrainerError {
  const { command, env, manifest } = started
  // Only the message: an optional package that is missing can be part of the traceback of another error.
  const missing = findMissingModule(error.message)
  if (missing === undefined) return error
  const name = pythonOf(command)
  // The platform sets it for an environment that it made of what "runtime" names.
  const file = env.VIRTUAL_ENV === undefined ? undefined : manifest?.runtime?.dependencies
  const declared = file === undefined ? ({ in: 'unknown' } as const) : ({ in: 'file', file } as const)
  const help = explainMissingModule(missing, findProgram(name, started) ?? name, declared)
  const { code, message, stack, retryable } = error
  return createTrainerError({ errorType: code, message: `${message}\n${help}`, traceback: stack, retryable })
}

function findProgram(name: string, { cwd, env }: StartedProgram): string | undefined {
  if (name.includes('/')) return resolve(cwd, name)
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => resolve(folder, name)).find((file) => existsSync(file))
}
