import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { EnvironmentError } from './errors.ts'
import type { Environment } from './python/find-pythons.ts'

const run = promisify(execFile)

export interface Uv {
  path: string
  version: string
}

const HOW_TO_GET_IT =
  'Install it with "pip install uv" or from https://docs.astral.sh/uv, or set UV_PATH to the program'

/** Finds uv: `UV_PATH`, then PATH, then the package of a Python (`pip install uv`), then where its installer puts it. */
export async function findUv(env: Environment = process.env): Promise<Uv> {
  const { UV_PATH: named } = env
  if (named) {
    const uv = await query(named, env)
    if (uv !== undefined) return uv
    throw new EnvironmentError('uv_missing', `UV_PATH is "${named}", which does not start as uv. ${HOW_TO_GET_IT}`)
  }
  const inPath = (env.PATH ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, 'uv'))
  for (const program of inPath) {
    const uv = await query(program, env)
    if (uv !== undefined) return uv
  }
  const others = [
    await ofPackage(env),
    ...['.local/bin', '.cargo/bin'].map((folder) => join(env.HOME ?? homedir(), folder, 'uv')),
  ]
  for (const program of others) {
    const uv = program === undefined ? undefined : await query(program, env)
    if (uv !== undefined) return uv
  }
  throw new EnvironmentError('uv_missing', `uv, which makes Python environments, is not installed. ${HOW_TO_GET_IT}`)
}

/** The program in the package `uv` of `python3`. */
async function ofPackage(env: Environment): Promise<string | undefined> {
  try {
    const code = 'import uv; print(uv.find_uv_bin())'
    const { stdout } = await run('python3', ['-I', '-c', code], {
      env: { PATH: env.PATH, HOME: env.HOME },
      timeout: 10_000,
    })
    return stdout.trim()
  } catch {
    return undefined
  }
}

async function query(program: string, env: Environment): Promise<Uv | undefined> {
  try {
    await access(program, constants.X_OK)
    const { stdout } = await run(program, ['--version'], { env: { PATH: env.PATH, HOME: env.HOME }, timeout: 10_000 })
    const version = /^uv (\S+)/.exec(stdout)?.[1]
    return version === undefined ? undefined : { path: program, version }
  } catch {
    return undefined
  }
}
