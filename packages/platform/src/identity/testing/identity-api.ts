import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createLogger } from '../../log.ts'
import { testDatabaseUrl } from '../../testing/create-test-database.ts'
import { createAuthenticator } from '../authentication/create-authenticator.ts'
import { type AuthConfig, DEFAULT_AUTH } from '../config/auth-config.ts'
import { type Identity, openIdentity } from '../open-identity.ts'
import { identityRoutes } from '../routes.ts'

export const PASSWORD = 'correct horse battery'
const logger = createLogger({ name: 'test', level: 'silent' })
const opened: Identity[] = []

/** Opens identities in a schema of the test's own. */
export async function openTestIdentity(): Promise<Identity> {
  const schemaPrefix = `test_${randomBytes(4).toString('hex')}_`
  const identity = await openIdentity({ url: testDatabaseUrl(), schemaPrefix })
  opened.push(identity)
  return identity
}

/** Drops what {@link openTestIdentity} opened. */
export async function closeTestIdentities(): Promise<void> {
  for (const identity of opened.splice(0)) {
    await sql`drop schema ${sql.id(identity.schema)} cascade`.execute(identity.database.db)
    await identity.close()
  }
}

/** The identity routes in a schema of the test's own, and calls of them. */
export async function openIdentityApi(auth: Partial<AuthConfig> = {}) {
  const identity = await openTestIdentity()
  const config: AuthConfig = { ...DEFAULT_AUTH, mode: 'required', ...auth }
  const authenticator = createAuthenticator({ identity, config, publicUrl: () => 'http://trainyard.test', logger })
  const app = identityRoutes({ identity, authenticator, logger })
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const init: RequestInit = { method, headers }
    if (body !== undefined) {
      init.headers = { ...headers, 'content-type': 'application/json' }
      init.body = JSON.stringify(body)
    }
    const response = await app.request(path, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const setupSecret = await identity.replaceSetupSecret()
  const signUp = (email: string, password = PASSWORD) => call('POST', '/v1/accounts', { email, password, setupSecret })
  const signIn = (email: string, password = PASSWORD) => call('POST', '/v1/sessions', { email, password })
  const person = async (email: string) => {
    const signedUp = await signUp(email)
    const session = await signIn(email)
    if (session.status !== 201) throw new Error(JSON.stringify([signedUp.body, session.body]))
    return { id: String(session.body.account.id), headers: bearer(session.body.secret) }
  }
  type Person = Awaited<ReturnType<typeof person>>
  /** Invites a person, who joins. */
  const addMember = async (slug: string, add: { by: Person; person: Person; email: string; role: string }) => {
    const { by, email, role } = add
    const { secret } = (await call('POST', `/v1/organisations/${slug}/members`, { email, role }, by.headers)).body
    const path = `/v1/organisations/${slug}/invitations/redeem`
    const joined = await call('POST', path, { secret }, add.person.headers)
    if (joined.status !== 200) throw new Error(JSON.stringify(joined.body))
  }
  return { identity, call, setupSecret, signUp, signIn, person, addMember }
}

export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
