import { type ExecFileOptions, execFile } from 'node:child_process'
import { access, constants, open, realpath } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { EnvironmentError } from './errors.ts'
import type { Environment } from './python/find-pythons.ts'

const run = promisify(execFile)

export interface Uv {
  /** The program, without links and scripts before it. */
  path: string
  version: string
}

const QUERY_TIMEOUT_MS = 10_000
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
      timeout: QUERY_TIMEOUT_MS,
    })
    return stdout.trim()
  } catch {
    return undefined
  }
}

async function query(program: string, env: Environment): Promise<Uv | undefined> {
  try {
    await access(program, constants.X_OK)
    const options = { env: { PATH: env.PATH, HOME: env.HOME, PYENV_ROOT: env.PYENV_ROOT }, timeout: QUERY_TIMEOUT_MS }
    const { stdout } = await run(program, ['--version'], options)
    const version = /^uv (\S+)/.exec(stdout)?.[1]
    if (version === undefined) return undefined
    return { path: (await isScript(program)) ? await behind(program, options) : await realpath(program), version }
  } catch {
    return undefined
  }
}

/** Version managers put a script into PATH. In a sandbox, which sees little of the machine, only the program itself starts. */
async function isScript(program: string): Promise<boolean> {
  const file = await open(program)
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(2), position: 0 })
    return buffer.toString('latin1') === '#!'
  } finally {
    await file.close()
  }
}

/** uv tells the programs it starts where it is: https://docs.astral.sh/uv/reference/environment/#uv. */
async function behind(script: string, options: ExecFileOptions): Promise<string> {
  const code = 'import os; print(os.environ["UV"])'
  const argv = ['run', '--no-project', '--no-config', '--offline', '--no-python-downloads', 'python3', '-I', '-c', code]
  const { stdout } = await run(script, argv, { ...options, cwd: tmpdir(), encoding: 'utf8' })
  return await realpath(stdout.trim())
}
