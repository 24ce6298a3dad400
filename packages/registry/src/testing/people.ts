import type { Harness } from './harness.ts'

export const PASSWORD = 'correct horse battery'

export interface Person {
  id: string
  /** Of a session. */
  secret: string
}

/** Returns a function that creates an account over HTTP and signs it in. The first one is the operator. */
export async function startSignUp(harness: Harness): Promise<(email: string) => Promise<Person>> {
  const setupSecret = await harness.registry.context.identity.replaceSetupSecret()
  return async (email) => {
    const login = { email, password: PASSWORD }
    const post = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json' }
      const response = await harness.request(path, { method: 'POST', headers, body: JSON.stringify(body) })
      if (!response.ok) throw new Error(`${path} returned ${response.status}: ${await response.text()}`)
      return response
    }
    await post('/v1/accounts', { ...login, setupSecret })
    const session = (await (await post('/v1/sessions', login)).json()) as { secret: string; account: { id: string } }
    return { id: session.account.id, secret: session.secret }
  }
}
