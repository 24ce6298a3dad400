import { sql } from 'kysely'
import { endOfCheck, type Harness, pushBlob, pushBundle } from './harness.ts'
import { startSignUp } from './people.ts'

/** Two teams. `red` has a published and an unpublished trainer; `blue` tries to see them. */
export interface Teams {
  /** `Authorization` header of a member with all rights. The fields below are headers, too. */
  owner: string
  viewer: string
  blue: string
  /** A token of red's owner with a scope for the runner only. */
  small: string
  /** A token of red's owner for another organisation. */
  limited: string
  expired: string
  revoked: string
  ownerId: string
  tokenId: string
  sessionId: string
  /** The check of the unpublished version. */
  checkId: string
  digest: string
  blob: string
  /** An unfinished upload of red. */
  upload: string
  /** Texts that only red may read. */
  secrets: string[]
  /** Everything that a call could change, except when a token was last used. */
  state(): Promise<unknown>
}

/** Creates the teams over HTTP. The harness must reject trainers that contain `secret`. */
export async function startTeams(harness: Harness): Promise<Teams> {
  const { identity, database } = harness.registry.context
  const call = async (path: string, body: unknown, token?: string) => {
    const response = await harness.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      token,
    })
    if (!response.ok) throw new Error(`${path} returned ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
  const person = await startSignUp(harness)
  await person('operator@trainyard.test')
  const ada = await person('ada@red.test')
  const vera = await person('vera@red.test')
  const bob = await person('bob@blue.test')
  await call('/v1/organisations', { slug: 'red' }, ada.secret)
  await call('/v1/organisations', { slug: 'garnet' }, ada.secret)
  await call('/v1/organisations', { slug: 'blue' }, bob.secret)
  const invited = await call('/v1/organisations/red/members', { email: 'vera@red.test', role: 'viewer' }, ada.secret)
  await call('/v1/organisations/red/invitations/redeem', { secret: invited.secret }, vera.secret)
  const token = async (body: object, secret = ada.secret) => {
    const made = await call('/v1/tokens', { name: 'test', ...body }, secret)
    return { id: String(made.id), secret: String(made.secret) }
  }
  const push = await token({ scopes: ['admin:*'] })
  const small = await token({ scopes: ['jobs:read'] })
  const limited = await token({ scopes: ['push:garnet'], organisation: 'garnet' })
  const other = await token({ scopes: ['pull:red'] })
  const revoked = await token({ scopes: ['admin:*'] })
  await identity.revokeToken(revoked.id, ada.id)
  const { secret: expired } = await identity.createToken({
    owner: ada.id,
    accountId: ada.id,
    name: 'old',
    scopes: ['admin:*'],
    expiresAt: new Date('2020-01-01'),
  })
  const { sessions } = (await (await harness.request('/v1/sessions', { token: ada.secret })).json()) as {
    sessions: { id: string }[]
  }
  const options = { version: '1.0.0', token: push.secret }
  await endOfCheck(harness, push.secret, await pushBundle(harness, { ...options, name: 'red/open' }))
  const pushed = await pushBundle(harness, { ...options, name: 'red/crimson-secret' })
  await endOfCheck(harness, push.secret, pushed)
  const blob = await pushBlob(harness, { ...options, name: 'red/crimson-secret', bytes: Buffer.from('crimson bytes') })
  const started = await harness.request('/v2/red/crimson-secret/blobs/uploads/', { method: 'POST', token: push.secret })
  const bearer = (secret: string) => `Bearer ${secret}`
  return {
    owner: bearer(push.secret),
    blue: bearer((await token({ scopes: ['admin:*'] }, bob.secret)).secret),
    viewer: bearer((await token({ scopes: ['admin:*'] }, vera.secret)).secret),
    small: bearer(small.secret),
    limited: bearer(limited.secret),
    expired: bearer(expired),
    revoked: bearer(revoked.secret),
    ownerId: ada.id,
    tokenId: other.id,
    sessionId: sessions[0]?.id ?? '',
    checkId: pushed.headers.get('trainyard-check') ?? '',
    digest: pushed.headers.get('docker-content-digest') ?? '',
    blob,
    upload: started.headers.get('location')?.split('/').at(-1) ?? '',
    secrets: ['crimson', ada.id, 'ada@red.test'],
    async state() {
      const own = ['repositories', 'versions', 'version_parts', 'checks', 'manifests', 'uploads'].map((name) =>
        sql.table(name),
      )
      const people = [
        'accounts',
        'password_resets',
        'organisations',
        'memberships',
        'member_invitations',
        'projects',
        'audit',
      ]
      const rows = []
      for (const table of [...own, ...people.map((name) => sql.id(identity.schema, name))])
        rows.push((await sql`select t::text as row from ${table} t order by 1`.execute(database.db)).rows)
      const tokens = sql.id(identity.schema, 'tokens')
      rows.push((await sql`select id, revoked_at from ${tokens} order by id`.execute(database.db)).rows)
      return rows
    },
  }
}
