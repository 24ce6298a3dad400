import { execFile } from 'node:child_process'
import { chmod, lstat, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findIdRange, type IdRange } from './sandbox/identity.ts'
import { dropToUser } from './sandbox/privileges.ts'
import type { SandboxTools } from './sandbox/sandbox.ts'
import { findTool } from './sandbox/tools.ts'

/** How attempts get users of their own without a sandbox. */
export interface SeparateUsers {
  ids: IdRange
  tools: SandboxTools
}

/** Names in a data folder by which it is recognised as the platform's. Other folders are never changed. */
const OWN_NAMES = ['attempts', 'bundles', 'objects', 'postgres', 'version']
/** What other users must not read in it. The rest has to be reached, or is readable for its owner only already. */
const CLOSED_NAMES = ['acceptance', 'models', 'objects', 'registry', 'samples', 'server.log']

/**
 * Whether root can run trainers as other users, which can reach Node and their own folders. If so, the platform's folders stay open for
 * them to enter what they know (mode 0711): they are created for one user only. With a `workDir`, trainers have their folders there, and
 * the platform's stay as they are.
 */
export async function findSeparateUsers(
  dataDirs: readonly string[],
  path: string | undefined = process.env.PATH,
  workDir?: string | undefined,
): Promise<SeparateUsers | undefined> {
  const dataDir = workDir ?? dataDirs[0]
  const setpriv = findTool('setpriv', path)
  const ids = findIdRange()
  if (process.getuid?.() !== 0 || dataDir === undefined || setpriv === undefined || ids === undefined) return undefined
  const users = { ids, tools: { setpriv, path: path ?? '' } }
  const closeAgain = await letOthersEnter(workDir === undefined ? dataDirs : [])
  const probe = await mkdtemp(join(dataDir, 'probe-'))
  try {
    await chmod(probe, 0o755)
    if (await canWorkIn(users, probe)) return users
    await closeAgain()
    return undefined
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

/** Whether the users of attempts can enter a folder and start Node there. */
export async function canWorkIn({ ids, tools }: SeparateUsers, dir: string): Promise<boolean> {
  const [program = '', ...args] = dropToUser(tools, ids.first)
  const script = 'cd "$1" && exec "$2" -e 0'
  return await promisify(execFile)(program, [...args, '/bin/sh', '-c', script, 'sh', dir, process.execPath], {
    timeout: 20_000,
    env: { PATH: '/usr/bin:/bin' },
  }).then(
    () => true,
    () => false,
  )
}

/** Opens the platform's folders for other users to enter, not to list. Returns a function that restores their modes. */
async function letOthersEnter(dataDirs: readonly string[]): Promise<() => Promise<void>> {
  const changed: { dir: string; mode: number }[] = []
  for (const dir of dataDirs) {
    if ((await namesOfOwn(dir)) === undefined) continue
    const mode = (await stat(dir)).mode & 0o7777
    if ((mode & 0o011) === 0o011) continue
    await chmod(dir, mode | 0o011)
    changed.push({ dir, mode })
  }
  return async () => {
    for (const { dir, mode } of changed) await chmod(dir, mode)
  }
}

/** What a folder holds; undefined when it is not the platform's. */
async function namesOfOwn(dir: string): Promise<string[] | undefined> {
  const names = await readdir(dir).catch(() => [])
  return names.some((name) => OWN_NAMES.includes(name)) ? names : undefined
}

/** Closes the platform's folders to other users, who can only enter what they know. */
export async function closeDataFolders(dataDirs: readonly string[]): Promise<void> {
  for (const dir of dataDirs) {
    const names = await namesOfOwn(dir)
    if (names === undefined) continue
    await removeMode(dir, 0o066)
    for (const name of names) if (CLOSED_NAMES.includes(name)) await removeMode(join(dir, name), 0o007)
  }
}

async function removeMode(file: string, mode: number): Promise<void> {
  const info = await lstat(file).catch(() => undefined)
  if (info?.isFile() === true || info?.isDirectory() === true) await chmod(file, info.mode & 0o7777 & ~mode)
}
