import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { CliIo } from './command.ts'

/** What `trainyard login` keeps. */
const SavedLogin = z.object({
  /** Address of the runner, and of the registry where they are one. */
  url: z.url(),
  registryUrl: z.url().optional(),
  token: z.string().optional(),
  /** Who the token speaks for, to be shown. */
  account: z.string().optional(),
})
export type SavedLogin = z.infer<typeof SavedLogin>

/** `$XDG_CONFIG_HOME/trainyard/login.json`, where the XDG base directory specification wants it. */
export function loginFile(env: CliIo['env']): string {
  const home = env.HOME || homedir()
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'trainyard', 'login.json')
}

/** Undefined when nobody has logged in. Throws when the file is there and cannot be understood. */
export async function readLogin(env: CliIo['env']): Promise<SavedLogin | undefined> {
  const file = loginFile(env)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new Error(`${file} cannot be read (${error.code}): mend its permissions, or run "trainyard logout"`)
  })
  if (text === undefined) return undefined
  try {
    return SavedLogin.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${file} is not what "trainyard login" writes: run "trainyard logout", then log in again`, {
      cause,
    })
  }
}

/** Written whole and readable by its owner only: it holds a secret. */
export async function writeLogin(env: CliIo['env'], login: SavedLogin): Promise<string> {
  const file = loginFile(env)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, file)
  return file
}

/** True when there was something to forget. */
export async function removeLogin(env: CliIo['env']): Promise<boolean> {
  const file = loginFile(env)
  const existed = await readFile(file).then(
    () => true,
    () => false,
  )
  await rm(file, { force: true })
  return existed
}
