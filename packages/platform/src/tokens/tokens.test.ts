import { decodeJwt, decodeProtectedHeader, exportJWK, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../database/open-database.ts'
import { ConfigError } from '../errors.ts'
import { createTestDatabase } from '../testing/create-test-database.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { createJobTokens } from './job-tokens.ts'
import { createRegistryTokens } from './registry-tokens.ts'
import { loadSigningKeys, type SigningKeys, secretKeys } from './signing-keys.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-signs'

async function verificationKeys({ verify }: SigningKeys): Promise<JWK[]> {
  return await Promise.all([...verify.values()].map(exportJWK))
}

describe('tokens', () => {
  let database: Database<unknown> & { drop(): Promise<void> }
  let keys: SigningKeys
  beforeAll(async () => {
    database = await createTestDatabase({ migrations: {} })
    keys = await loadSigningKeys(database)
  })
  afterAll(() => database.drop())

  it('are signed with EdDSA and have the claims of the contract', async () => {
    const clock = fakeClock('2026-01-01T00:00:00Z')
    const { value, expiresAt } = await createJobTokens({ keys, clock }).issue({ jobId: 7, attempt: 2 })
    expect(decodeProtectedHeader(value)).toMatchObject({ alg: 'EdDSA', typ: 'JWT' })
    expect(decodeJwt(value)).toEqual({
      iss: 'trainyard',
      aud: 'trainyard:job',
      sub: 'job:7',
      attempt: 2,
      iat: 1767225600,
      exp: 1767225600 + 6 * 3600,
      jti: expect.any(String),
    })
    expect(expiresAt).toEqual(new Date('2026-01-01T06:00:00Z'))
  })

  it('of one replica are accepted by another one, also when both create the keys at the same time', async () => {
    const fresh = await createTestDatabase({ migrations: {} })
    const [one, two] = await Promise.all([loadSigningKeys(fresh), loadSigningKeys(fresh)])
    const { value } = await createJobTokens({ keys: one }).issue({ jobId: 7, attempt: 2 })
    expect(await createJobTokens({ keys: two }).verify(value)).toMatchObject({ jobId: 7, attempt: 2 })
    await fresh.drop()
  })

  it('can be signed with a shared secret', async () => {
    const tokens = createJobTokens({ keys: await loadSigningKeys(database, { secret: SECRET }) })
    const { value } = await tokens.issue({ jobId: 1, attempt: 1, expiresInSeconds: 60 })
    expect(decodeProtectedHeader(value).alg).toBe('HS256')
    expect(await tokens.verify(value)).toMatchObject({ jobId: 1, attempt: 1 })
  })

  it('expire after a tolerance of 60 seconds', async () => {
    const clock = fakeClock()
    const tokens = createJobTokens({ keys, clock })
    const { value } = await tokens.issue({ jobId: 1, attempt: 1, expiresInSeconds: 100 })
    clock.advance(155_000)
    expect(await tokens.verify(value)).toMatchObject({ jobId: 1 })
    clock.advance(10_000)
    await expect(tokens.verify(value)).rejects.toMatchObject({ code: 'token_expired' })
  })

  it('are valid for at most six hours', async () => {
    await expect(createJobTokens({ keys }).issue({ jobId: 1, attempt: 1, expiresInSeconds: 21_601 })).rejects.toThrow(
      '21600',
    )
  })

  it('are refused when they are changed, signed with another key, unsigned, or for another audience', async () => {
    const tokens = createJobTokens({ keys })
    const { value } = await tokens.issue({ jobId: 1, attempt: 1 })
    const [head = '', body = '', signature = ''] = value.split('.')
    const other = Buffer.from(JSON.stringify({ ...decodeJwt(value), sub: 'job:2' })).toString('base64url')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const registry = await createRegistryTokens({ keys }).issue({ subject: 'ada', access: [] })
    const foreign = await createJobTokens({ keys: secretKeys(SECRET) }).issue({ jobId: 1, attempt: 1 })
    // The public key, which anyone can know, used as a shared secret.
    const publicKey = JSON.stringify((await verificationKeys(keys))[0])
    const confused = await new SignJWT({ ...decodeJwt(value) })
      .setProtectedHeader({ alg: 'HS256', kid: keys.keyId })
      .sign(Buffer.from(publicKey))
    for (const bad of [
      `${head}.${other}.${signature}`,
      `${none}.${body}.`,
      'nonsense',
      '',
      registry.value,
      foreign.value,
      confused,
    ]) {
      await expect(tokens.verify(bad)).rejects.toMatchObject({ code: 'unauthenticated' })
    }
  })

  it('of the registry include what they allow', async () => {
    const access = [{ type: 'repository', name: 'acme/yolo', actions: ['pull', 'push'] }]
    const tokens = createRegistryTokens({ keys })
    const { value } = await tokens.issue({ subject: 'ada', access })
    expect(await tokens.verify(value)).toMatchObject({ subject: 'ada', access })
  })

  it('are verified with public keys, which have no private parts', async () => {
    expect([...keys.verify.keys()]).toEqual([keys.keyId])
    const list = await verificationKeys(keys)
    expect(list).toEqual([expect.objectContaining({ kty: 'OKP', crv: 'Ed25519' })])
    expect(list[0]).not.toHaveProperty('d')
  })

  it('require a secret of at least 32 characters', () => {
    expect(() => secretKeys('short')).toThrow(ConfigError)
    expect(() => secretKeys('short')).toThrow('JWT_SECRET must have at least 32 characters; it has 5')
  })
})
