import { openIdentity } from '@trainyard/platform'
import type { StartOptions } from './options.ts'
import { signInLink } from './sign-in-link.ts'
import { withDatabase } from './with-database.ts'

/** `npm start -- --link`: the servers are started apart, on the port of the options. */
export async function printLink(
  options: StartOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return await withDatabase(options, env, async (url) => {
    const identity = await openIdentity({ url })
    try {
      const { secret } = await identity.createSignInCode()
      const link = signInLink(env.PUBLIC_URL || `http://127.0.0.1:${options.port}`, secret)
      return `This link signs a browser in, once, within ten minutes:\n${link}\n`
    } finally {
      await identity.close()
    }
  })
}
