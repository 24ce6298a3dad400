import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../log.ts'
import { TrustedIssuers } from '../config/trusted-issuers.ts'
import type { Identity } from '../open-identity.ts'
import { setMember } from '../organisations/members.ts'
import { redeemInvitation } from '../organisations/redeem-invitation.ts'
import { closeTestIdentities, openTestIdentity } from '../testing/identity-api.ts'
import { createExternalTokenVerifier } from './external-tokens.ts'

const ISSUER = 'https://login.example.test'

describe('a JWT of an external issuer', () => {
  let identity: Identity
  let sign: (
    claims: JWTPayload,
    options?: { key?: CryptoKey | Uint8Array; alg?: string; expires?: string },
  ) => Promise<string>
  let find: ReturnType<typeof createExternalTokenVerifier>
  let settings: (more?: object) => TrustedIssuers
  const stops: (() => Promise<unknown>)[] = []
  const logger = createLogger({ name: 'test', level: 'silent' })

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
    const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => new Promise((resolve) => server.close(resolve)))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    identity = await openTestIdentity()
    settings = (more = {}) =>
      TrustedIssuers.parse([
        {
          issuer: ISSUER,
          jwksUrl: `http://127.0.0.1:${port}/jwks`,
          audience: 'trainyard',
          claims: { account: 'sub', organisation: 'team', role: 'https://example.test/realm.role', scopes: 'scope' },
          roles: { boss: 'owner', worker: 'member' },
          organisations: { 'Team Red': 'red' },
          ...more,
        },
      ])
    find = createExternalTokenVerifier(identity, settings(), logger)
    sign = (claims, { key = privateKey, alg = 'ES256', expires = '5m' } = {}) =>
      new SignJWT({ iss: ISSUER, aud: 'trainyard', sub: 'u1', name: 'Ada', ...claims })
        .setProtectedHeader({ alg, kid: 'one' })
        .setExpirationTime(expires)
        .sign(key)
  })
  afterAll(async () => {
    await closeTestIdentities()
    for (const stop of stops) await stop()
  })
  const red = { team: 'Team Red', 'https://example.test/realm.role': 'worker' }

  it('authenticates an account of its own, with the organisation and role that its claims map to', async () => {
    const first = await find(await sign({ ...red, scope: 'jobs:write openid' }))
    expect(first).toMatchObject({
      account: { displayName: 'Ada', operator: false },
      credentials: 'issuer',
      scopes: ['jobs:write', 'openid'],
      memberships: [{ organisation: 'red', role: 'member' }],
      projects: [{ name: 'red/default' }],
    })
    const again = await Promise.all([1, 2, 3].map(async () => await find(await sign(red))))
    expect(new Set(again.map((caller) => caller?.subject))).toEqual(new Set([first?.subject]))
    const lead = await find(await sign({ ...red, sub: 'u2', 'https://example.test/realm.role': 'boss' }))
    expect(lead?.memberships).toMatchObject([{ role: 'owner' }])
    expect(lead?.subject).not.toBe(first?.subject)
  })

  it('never authenticates a local account, whatever email it claims', async () => {
    const account = { display_name: 'Eve', password_hash: null, operator: true, disabled_at: null }
    await identity.database.db
      .insertInto('accounts')
      .values({ id: 'acc_eve', email: 'eve@red.test', ...account })
      .execute()
    const caller = await find(await sign({ ...red, sub: 'acc_eve', email: 'eve@red.test' }))
    expect(caller?.account).toMatchObject({ operator: false })
    expect(caller?.subject).not.toBe('acc_eve')
  })

  it('has no membership in an organisation that is not mapped, and the default role without a role claim', async () => {
    for (const team of ['red', 'local', '__proto__', '']) {
      expect((await find(await sign({ ...red, team })))?.memberships).toEqual([])
    }
    const { 'https://example.test/realm.role': _, ...noRole } = red
    expect((await find(await sign(noRole)))?.memberships).toMatchObject([{ role: 'viewer' }])
  })

  it('invites people with a role that its claims map to and that is not stored, until its account is disabled', async () => {
    const { db } = identity.database
    const person = { display_name: 'Mel', password_hash: null, operator: false, disabled_at: null }
    await db
      .insertInto('accounts')
      .values({ id: 'acc_mel', email: 'mel@red.test', ...person })
      .execute()
    const { secret: token } = await identity.createToken({
      owner: 'acc_mel',
      accountId: 'acc_mel',
      name: 'test',
      scopes: ['jobs:read'],
    })
    const mel = await identity.findCaller(token)
    const claims = { ...red, sub: 'u3', 'https://example.test/realm.role': 'boss', scope: 'admin:red' }
    const lead = await find(await sign(claims))
    if (mel === undefined || lead === undefined) throw new Error('both can be authenticated')
    const invite = async () => {
      const outcome = await setMember(identity, lead, 'red', { email: 'mel@red.test', role: 'member' })
      return 'invitation' in outcome ? outcome.invitation.secret : ''
    }
    const join = (secret: string) =>
      redeemInvitation(identity, { ...mel, scopes: undefined }, { organisation: 'red', secret })
    const disable = (at: Date | null) =>
      db.updateTable('accounts').set({ disabled_at: at }).where('id', '=', lead.subject).execute()
    const secret = await invite()
    await disable(new Date())
    await expect(join(secret)).rejects.toMatchObject({ code: 'not_found' })
    await disable(null)
    expect(await join(secret)).toMatchObject({ slug: 'red', role: 'member' })
  })

  it('is refused with another audience, issuer, key or algorithm, when it has expired, and without a signature', async () => {
    const { privateKey: otherKey } = await generateKeyPair('ES256')
    const hmac = new TextEncoder().encode('a secret that is long enough for it')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const payload = { iss: ISSUER, aud: 'trainyard', sub: 'u1', exp: 4_000_000_000 }
    for (const jwt of [
      await sign({ ...red, aud: 'other' }),
      await sign({ ...red, iss: 'https://evil.test' }),
      await sign(red, { key: otherKey }),
      await sign(red, { key: hmac, alg: 'HS256' }),
      await sign(red, { expires: '-1m' }),
      `${part({ alg: 'none' })}.${part(payload)}.`,
      'a.b.c',
    ]) {
      expect(await find(jwt)).toBeUndefined()
    }
  })

  it('fails with a retryable error, not a refusal, while the issuer does not answer', async () => {
    const unreachable = createExternalTokenVerifier(identity, settings({ jwksUrl: 'http://127.0.0.1:9/jwks' }), logger)
    await expect(unreachable(await sign(red))).rejects.toMatchObject({ code: 'unavailable' })
  })
})
