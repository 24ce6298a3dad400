import type { Role } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness, pushBlob } from '../testing/harness.ts'

describe('pushing with a token of an account', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
    const { db } = harness.registry.context.identity.database
    await db.insertInto('organisations').values({ id: 'org_red', slug: 'red', display_name: 'Red' }).execute()
  })
  afterAll(() => harness.close())

  async function tokenOf(role: Role | undefined, scopes: string[], operator = false): Promise<string> {
    const { identity } = harness.registry.context
    const id = `acc_${role ?? 'none'}_${scopes.join('')}_${operator}`
    await identity.database.db
      .insertInto('accounts')
      .values({ id, email: null, display_name: id, password_hash: null, operator, disabled_at: null })
      .execute()
    if (role !== undefined)
      await identity.database.db
        .insertInto('memberships')
        .values({ organisation_id: 'org_red', account_id: id, role })
        .execute()
    return (await identity.createToken({ owner: id, accountId: id, name: 'test', scopes })).secret
  }
  const open = async (token: string, name: string) =>
    (await harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token })).status

  it('requires the role in the namespace’s organisation as well as the scope', async () => {
    expect(await open(await tokenOf('member', ['push:red']), 'red/a')).toBe(202)
    expect(await open(await tokenOf('member', ['push:*']), 'red/a')).toBe(202)
    expect(await open(await tokenOf('member', ['pull:red', 'jobs:write']), 'red/a')).toBe(403)
    expect(await open(await tokenOf('viewer', ['admin:*']), 'red/a')).toBe(403)
    expect(await open(await tokenOf(undefined, ['admin:*', 'push:red']), 'red/a')).toBe(403)
    expect(await open(await tokenOf('owner', ['push:free']), 'free/a')).toBe(403)
  })

  it('shows what is not published only to the team', async () => {
    const digest = await pushBlob(harness, {
      name: 'red/secret',
      token: await tokenOf('admin', ['push:red']),
      bytes: Buffer.from('mine'),
    })
    expect(digest).toBe(digestOf(Buffer.from('mine')))
    const headStatus = async (token: string) =>
      (await harness.request(`/v2/red/secret/blobs/${digest}`, { method: 'HEAD', token })).status
    expect(await headStatus(await tokenOf('viewer', ['pull:red']))).toBe(200)
    expect(await headStatus(await tokenOf(undefined, ['pull:red']))).toBe(404)
    // Operators administer the installation. They cannot read the work of others.
    expect(await headStatus(await tokenOf(undefined, ['admin:*'], true))).toBe(404)
  })

  it('claims a free namespace for an operator, but never one that is taken', async () => {
    const operator = await tokenOf(undefined, ['push:*'], true)
    expect(await open(operator, 'red/a')).toBe(403)
    expect(await open(operator, 'fresh/a')).toBe(202)
    const { db } = harness.registry.context.identity.database
    const owner = await db
      .selectFrom('memberships')
      .innerJoin('organisations', 'organisations.id', 'organisation_id')
      .select('account_id')
      .where('slug', '=', 'fresh')
      .executeTakeFirst()
    expect(owner?.account_id).toContain('acc_none_push:*')
    expect(await open(operator, 'fresh/a')).toBe(202)
  })

  it('lets an operator push to a namespace that another request of the same push claims meanwhile', async () => {
    const token = await tokenOf(undefined, ['push:*', 'admin:*'], true)
    const { context } = harness.registry
    const grantOf = async (name: string) => {
      const response = await harness.request(`/token?scope=repository:${name}:pull,push`, { token })
      return ((await response.json()) as { token: string }).token
    }
    const grant = await grantOf('meanwhile/a')
    const original = { ...context.identity }
    /** The first to read its memberships goes on when the other has claimed the namespace. */
    const afterClaim = (name: string) => {
      let isFirst = true
      return async <T>(found: Promise<T>): Promise<T> => {
        const caller = await found
        if (isFirst) {
          isFirst = false
          expect(await open(token, name)).toBe(202)
        }
        return caller
      }
    }
    try {
      const wait = afterClaim('meanwhile/a')
      context.identity.findCallerOfToken = (id) => wait(original.findCallerOfToken(id))
      expect(await open(grant, 'meanwhile/a')).toBe(202)
      const next = afterClaim('later/a')
      context.identity.findCaller = (secret) => next(original.findCaller(secret))
      expect(await open(await grantOf('later/a'), 'later/a')).toBe(202)
      const last = afterClaim('last/a')
      context.identity.findCaller = (secret) => last(original.findCaller(secret))
      expect(await open(token, 'last/a')).toBe(202)
    } finally {
      Object.assign(context.identity, original)
    }
  })
})
