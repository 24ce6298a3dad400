import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../database/open-database.ts'
import { createTestDatabase } from '../testing/create-test-database.ts'
import { LOCAL_ACCOUNT_ID } from './db/built-in-ids.ts'
import type { Identity } from './open-identity.ts'
import { closeTestIdentities, openTestIdentity } from './testing/identity-api.ts'

describe('identity', () => {
  let identity: Identity
  let database: Database<Record<string, never>> & { drop(): Promise<void> }
  beforeAll(async () => {
    identity = await openTestIdentity()
    database = await createTestDatabase({ migrations: {} })
  })
  afterAll(async () => {
    await closeTestIdentities()
    await database.drop()
  })
  const create = (owner: string, expiresAt?: Date) =>
    identity.createToken({ owner, name: 'laptop', scopes: ['push:acme'], expiresAt })

  it('creates a token that can do nothing, for any kind of owner', async () => {
    for (const accountId of [undefined, LOCAL_ACCOUNT_ID])
      expect((await identity.createToken({ owner: 'x', accountId, name: 'idle', scopes: [] })).secret).toMatch(/^ty_/)
  })

  it('finds the owner and scopes of a token by its secret, and stores only the hash', async () => {
    const { id, secret } = await create('ada')
    expect(secret).toMatch(/^ty_[0-9a-f]{56}$/)
    expect(await identity.verifyToken(secret)).toEqual({ id, owner: 'ada', scopes: ['push:acme'] })
    const rows = await sql`select t::text as row from ${sql.id(identity.schema, 'tokens')} t`.execute(database.db)
    expect(JSON.stringify(rows.rows)).not.toContain(secret.slice(3, 40))
  })

  it('finds no token for a secret that is mistyped, unknown, revoked or expired', async () => {
    const { id, secret } = await create('ada')
    const typo = `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`
    const expired = await create('ada', new Date('2020-01-01'))
    for (const wrong of [typo, '', 'ty_', `ty_${'0'.repeat(56)}`, expired.secret]) {
      expect(await identity.verifyToken(wrong)).toBeUndefined()
    }
    await identity.revokeToken(id, 'ada')
    expect(await identity.verifyToken(secret)).toBeUndefined()
  })

  it('lists the tokens of one owner, newest first, without secrets and with their last use', async () => {
    const first = await create('grace')
    const second = await create('grace', new Date('2099-01-01T00:00:00Z'))
    await identity.verifyToken(first.secret)
    const tokens = await identity.listTokens('grace')
    expect(tokens.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(tokens[0]).toMatchObject({ expiresAt: new Date('2099-01-01T00:00:00Z'), lastUsedAt: undefined })
    expect(tokens[1]?.lastUsedAt).toBeInstanceOf(Date)
    expect(JSON.stringify(tokens)).not.toContain('ty_')
  })

  it('refuses to revoke the token of another owner', async () => {
    const { id, secret } = await create('ada')
    await expect(identity.revokeToken(id, 'mallory')).rejects.toMatchObject({ code: 'not_found' })
    expect(await identity.verifyToken(secret)).toBeDefined()
  })

  it('writes an audit row in the transaction of the action', async () => {
    const entry = { actor: 'ada', action: 'job.create', subject: 'job:1', data: { trainer: 'acme/yolo' } }
    await database.transaction((trx) => identity.audit(trx, entry))
    const rolledBack = database.transaction(async (trx) => {
      await identity.audit(trx, { actor: 'ada', action: 'job.delete', subject: 'job:1' })
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    expect(await identity.listAudit({ subject: 'job:1' })).toEqual([
      { ...entry, id: expect.any(Number), at: expect.any(Date) },
    ])
  })
})
