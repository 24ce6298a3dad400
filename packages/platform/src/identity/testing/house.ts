import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createLogger } from '../../log.ts'
import { testDatabaseUrl } from '../../testing/create-test-database.ts'
import { type AuthConfig, DEFAULT_AUTH } from '../auth-config.ts'
import { createAuthenticator } from '../authenticator.ts'
import { type Identity, openIdentity } from '../open-identity.ts'
import { identityRoutes } from '../routes.ts'

export const PASSWORD = 'correct horse battery'
const logger = createLogger({ name: 'test', level: 'silent' })
const opened: Identity[] = []

/** People over HTTP, on a schema of their own. */
export async function openHouse(auth: Partial<AuthConfig> = {}) {
  const identity = await openIdentity({
    url: testDatabaseUrl(),
    schemaPrefix: `test_${randomBytes(4).toString('hex')}_`,
  })
  opened.push(identity)
  const config: AuthConfig = { ...DEFAULT_AUTH, mode: 'required', ...auth }
  const authenticator = createAuthenticator({ identity, config, publicUrl: () => 'http://trainyard.test', logger })
  const app = identityRoutes({ identity, authenticator, logger })
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const signUp = (email: string) => call('POST', '/v1/accounts', { email, password: PASSWORD })
  const signIn = (email: string, password = PASSWORD) => call('POST', '/v1/sessions', { email, password })
  const person = async (email: string) => {
    const account = await signUp(email)
    const session = await signIn(email)
    if (session.status !== 201) throw new Error(JSON.stringify([account.body, session.body]))
    return { id: String(account.body.id), headers: { authorization: `Bearer ${session.body.secret}` } }
  }
  return { identity, call, signUp, signIn, person }
}

export async function closeHouses(): Promise<void> {
  for (const identity of opened) {
    await sql`drop schema ${sql.id(identity.schema)} cascade`.execute(identity.database.db)
    await identity.close()
  }
}
