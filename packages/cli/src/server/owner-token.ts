import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { LocalServer, localServerFile } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'

/**
 * The token of a server on this machine that this user started with `AUTH=local`. Undefined for every other server: the note
 * about a server counts only while its process runs and is this user's, because others could listen on its port later.
 */
export async function findOwnerToken(url: string, env: CliIo['env']): Promise<string | undefined> {
  if (!isLoopback(url)) return undefined
  try {
    const note = LocalServer.parse(JSON.parse(await readFile(localServerFile(env, homedir(), url), 'utf8')))
    // Throws when the process has ended, and when it is another user's.
    process.kill(note.pid, 0)
    const token = (await readFile(note.ownerTokenFile, 'utf8')).trim()
    return (await isOwn(note.ownerTokenFile)) ? token : undefined
  } catch {
    return undefined
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

async function isOwn(file: string): Promise<boolean> {
  const { uid } = await stat(file)
  return process.getuid === undefined || uid === process.getuid()
}
