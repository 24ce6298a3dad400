import { rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { type LocalServer, localServerFile } from '@trainyard/contract'
import { writePrivateFile } from '../../system/private-file.ts'

export interface AnnounceServerOptions {
  /** The environment of the program: where the user's configuration is. */
  env: Readonly<Record<string, string | undefined>>
  url: string
  ownerTokenFile: string
}

/**
 * Notes in the user's configuration folder where the token of a running server is, so that the command line finds it. It is a
 * convenience: a folder that cannot be written is no reason not to start.
 *
 * @returns removes the note
 */
export async function announceServer({
  env,
  url,
  ownerTokenFile,
}: AnnounceServerOptions): Promise<() => Promise<void>> {
  // Without these the program was not started by a user, but by a test, for example.
  if (!env.HOME && !env.XDG_CONFIG_HOME) return async () => {}
  const file = localServerFile(env, homedir(), url)
  const note: LocalServer = { url, ownerTokenFile, pid: process.pid }
  try {
    await writePrivateFile(file, `${JSON.stringify(note)}\n`)
  } catch {
    return async () => {}
  }
  return () => rm(file, { force: true })
}
