import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { CliIo } from '../command-line/io.ts'

/** What `trainyard login` saves. */
const SavedLogin = z.object({
  /** Address of the runner, and of the registry if `registryUrl` is absent. */
  url: z.url(),
  registryUrl: z.url().optional(),
  token: z.string().optional(),
  /** Name of the token's account, for display. */
  account: z.string().optional(),
})
export type SavedLogin = z.infer<typeof SavedLogin>

/** `$XDG_CONFIG_HOME/trainyard/login.json`, as the XDG Base Directory Specification defines. */
export function loginFile(env: CliIo['env']): string {
  const home = env.HOME || homedir()
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'trainyard', 'login.json')
}

/** Undefined if there is no login. Throws if the file cannot be read. */
export async function readLogin(env: CliIo['env']): Promise<SavedLogin | undefined> {
  const file = loginFile(env)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new Error(`${file} cannot be read (${error.code}): correct its permissions, or run "trainyard logout"`)
  })
  if (text === undefined) return undefined
  try {
    return SavedLogin.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${file} is not a login file: run "trainyard logout", then log in again`, { cause })
  }
}

/** Writes the file atomically. Only its owner can read it, because it contains a secret. */
export async function writeLogin(env: CliIo['env'], login: SavedLogin): Promise<string> {
  const file = loginFile(env)
  const draft = `${file}.${process.pid}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(draft, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 })
    await rename(draft, file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new Error(
      `${file} cannot be written (${code}): set XDG_CONFIG_HOME to a writable folder, or set TRAINYARD_RUNNER and ` +
        'TRAINYARD_TOKEN and do not log in',
      { cause },
    )
  }
  return file
}

/** Resolves with whether there was a login. */
export async function removeLogin(env: CliIo['env']): Promise<boolean> {
  const file = loginFile(env)
  const existed = await readFile(file).then(
    () => true,
    () => false,
  )
  await rm(file, { force: true })
  return existed
}
