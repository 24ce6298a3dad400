import { z } from 'zod'

/** What a server of `AUTH=local` notes in its user's configuration folder, so that the command line finds its token. */
export const LocalServer = z.object({
  url: z.string(),
  /** Absolute path. */
  ownerTokenFile: z.string(),
  /** The note counts only while this process runs: another user could listen on the same port later. */
  pid: z.number().int().positive(),
})
export type LocalServer = z.infer<typeof LocalServer>

/** The file of the note about the server at `url`: `~/.config/trainyard/servers/127.0.0.1-7600.json` */
export function localServerFile(env: Readonly<Record<string, string | undefined>>, home: string, url: string): string {
  const config = env.XDG_CONFIG_HOME || `${env.HOME || home}/.config`
  return `${config}/trainyard/servers/${new URL(url).host.replace('localhost', '127.0.0.1').replaceAll(/[^\w.]/g, '-')}.json`
}
