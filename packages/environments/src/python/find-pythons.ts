import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { byNewest } from './python-versions.ts'

const run = promisify(execFile)

/** A Python of this machine. */
export interface Python {
  /** The program, without links. */
  path: string
  /** For example `3.11.7`. */
  version: string
  /** The folder with its libraries. */
  prefix: string
}

export type Environment = Readonly<Record<string, string | undefined>>

const QUERY =
  'import json,os,sys;print(json.dumps({"path":os.path.realpath(sys.executable),"version":"%d.%d.%d"%sys.version_info[:3],"prefix":os.path.realpath(sys.base_prefix),"name":sys.implementation.name}))'
const Answer = z.object({
  path: z.string(),
  version: z.string(),
  prefix: z.string(),
  name: z.string().describe('For example "cpython"'),
})
const QUERY_TIMEOUT_MS = 10_000
const SYSTEM_FOLDERS = ['/usr/local/bin', '/usr/bin']

/**
 * Finds the Pythons of this machine: in PATH, of pyenv, of uv and of conda. The one that `python3` starts comes first, the others
 * follow, newest first. uv's own list leaves out those of pyenv that are not selected.
 */
export async function findPythons(env: Environment = process.env): Promise<Python[]> {
  const found = await Promise.all((await candidates(env)).map((program) => queryPython(program, env)))
  const unique = new Map<string, Python>()
  for (const python of found) if (python !== undefined && !unique.has(python.path)) unique.set(python.path, python)
  const [first, ...others] = unique.values()
  return first === undefined ? [] : [first, ...others.sort((a, b) => byNewest(a.version, b.version))]
}

/** The Python that `python3` starts. Undefined: none, or not CPython. Finding all others takes much longer. */
export async function findDefaultPython(env: Environment = process.env): Promise<Python | undefined> {
  return await queryPython('python3', env)
}

/** Programs in the order in which they are preferred. */
async function candidates(env: Environment): Promise<string[]> {
  const home = env.HOME ?? homedir()
  const collections = [join(env.PYENV_ROOT ?? join(home, '.pyenv'), 'versions'), join(home, '.local/share/uv/python')]
  const collected = await Promise.all(
    collections.map(async (folder) => (await listOf(folder)).map((name) => join(folder, name, 'bin'))),
  )
  const conda = [env.CONDA_PREFIX, join(home, 'miniconda3'), join(home, 'anaconda3'), '/opt/conda']
  const folders = [
    ...(env.PATH ?? '').split(delimiter).filter(isAbsolute),
    ...SYSTEM_FOLDERS,
    ...collected.flat(),
    ...conda.flatMap((prefix) => (prefix === undefined ? [] : [join(prefix, 'bin')])),
  ]
  const programs = await Promise.all([...new Set(folders)].map(programsIn))
  return programs.flat()
}

/** `python3` first: it is what people mean by Python. pyenv's shims for other names start only versions that are selected. */
async function programsIn(folder: string): Promise<string[]> {
  const pattern = folder.endsWith('/shims') ? /^python3$/ : /^python3(\.\d+)?$/
  const names = (await listOf(folder)).filter((name) => pattern.test(name))
  return names.sort((a, b) => a.length - b.length).map((name) => join(folder, name))
}

/** Undefined: it does not start, or is not CPython. */
async function queryPython(program: string, env: Environment): Promise<Python | undefined> {
  try {
    const { stdout } = await run(program, ['-I', '-c', QUERY], {
      timeout: QUERY_TIMEOUT_MS,
      env: { PATH: env.PATH, HOME: env.HOME, PYENV_ROOT: env.PYENV_ROOT },
    })
    const { name, ...python } = Answer.parse(JSON.parse(stdout))
    return name === 'cpython' ? python : undefined
  } catch {
    return undefined
  }
}

async function listOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => [])
}
