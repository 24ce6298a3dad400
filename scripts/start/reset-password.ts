import { resetPasswordCommand } from '@trainyard/platform'
import type { StartOptions } from './options.ts'
import { withDatabase } from './with-database.ts'

/** `npm start -- --reset-password EMAIL` */
export async function resetPassword(
  options: StartOptions,
  email: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return await withDatabase(options, env, (databaseUrl) =>
    resetPasswordCommand({
      env: { PUBLIC_URL: `http://127.0.0.1:${options.port}`, ...env, DATABASE_URL: databaseUrl },
      args: [email],
    }),
  )
}
