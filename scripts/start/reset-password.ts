import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError, resetPasswordCommand, startEmbeddedPostgres } from '@trainyard/platform'
import type { StartOptions } from './options.ts'

/** `npm start -- --reset-password EMAIL`: uses the database of this folder, whether the servers run or not. */
export async function resetPassword(
  { dataDir, port }: StartOptions,
  email: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const make = (databaseUrl: string) =>
    resetPasswordCommand({
      env: { PUBLIC_URL: `http://127.0.0.1:${port}`, ...env, DATABASE_URL: databaseUrl },
      args: [email],
    })
  if (env.DATABASE_URL) return await make(env.DATABASE_URL)
  const folder = join(resolve(dataDir), 'postgres')
  if (!existsSync(folder))
    throw new ConfigError(`${resolve(dataDir)} contains no database; pass its folder with --data`)
  const postgres = await startEmbeddedPostgres({ dataDir: folder })
  try {
    return await make(postgres.url)
  } finally {
    // A database that was already running belongs to the servers.
    if (!postgres.adopted) await postgres.stop()
  }
}
