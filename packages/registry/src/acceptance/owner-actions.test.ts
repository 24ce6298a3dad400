import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Appeal, Check, Finding, PushList } from '@trainyard/contract'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, passes, pushBundle, reportOf, resultOf } from '../testing/harness.ts'
import { startSignUp } from '../testing/people.ts'
import type { ValidateFunction } from '../validation/validate.ts'

const finding = (code: string, message: string): Finding => ({
  code,
  severity: 'error',
  message,
  fingerprint: `of-${code}`,
  help: 'remove it',
  docsUrl: 'https://example.org',
})
const key = finding('TY301', 'a key')

/** `leaky`: a finding that can be suppressed; `slow`: one that cannot. */
const validate =
  (names: Map<string, string>): ValidateFunction =>
  async (options) => {
    const { name } = JSON.parse(await readFile(join(options.dir, 'trainer.json'), 'utf8')) as { name: string }
    const kind = names.get(name)
    if (kind === 'leaky' && options.phases.includes('security'))
      return reportOf([{ name: 'secrets', status: 'failed', findings: [key] }], options.onCheck)
    if (kind === 'slow' && options.phases.includes('compliance'))
      return reportOf(
        [{ name: 'compliance', status: 'failed', findings: [finding('TY408', 'no event')] }],
        options.onCheck,
      )
    return passes(options)
  }

describe('what owners and moderators do with a check', () => {
  let harness: Harness
  let token: string
  let operator: string
  const kinds = new Map<string, string>()
  beforeAll(async () => {
    harness = await createHarness({
      validate: validate(kinds),
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
    })
    await harness.registry.start()
    token = await harness.token(['push:acme'])
    const signUp = await startSignUp(harness)
    operator = (await signUp('operator@trainyard.test')).secret
  })
  afterAll(() => harness.close())

  const send = (method: string, path: string, { body, as }: { body?: unknown; as?: string } = {}) =>
    harness.request(path, {
      method,
      token: as,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  /** Pushes a trainer that the validator treats as `kind`. */
  async function push(kind: string, name: string, version = '1.0.0') {
    kinds.set(name, kind)
    const pushed = await pushBundle(harness, { name, version, token })
    return { id: pushed.headers.get('trainyard-check') ?? '', check: await endOfCheck(harness, token, pushed) }
  }
  async function end(id: string) {
    const pushed = new Response(null, { headers: { 'trainyard-check': id } })
    return await endOfCheck(harness, token, pushed)
  }
  const actions = async (subject: string) =>
    (await harness.registry.context.identity.listAudit({ subject })).map(({ action }) => action).toReversed()

  it('suppress a finding with a reason, which everybody sees, and which holds for the next version', async () => {
    const { id, check } = await push('leaky', 'acme/leaky')
    expect(check.state).toBe('rejected')
    const path = `/v1/checks/${id}/suppressions`
    const body = { fingerprint: key.fingerprint, reason: 'a key of the tests, which opens nothing' }
    expect((await send('POST', path, { body, as: await harness.token(['push:other']) })).status).toBe(404)
    expect((await send('POST', path, { body, as: await harness.token(['pull:acme']) })).status).toBe(403)
    expect((await send('POST', path, { body: { ...body, reason: 'ok' }, as: token })).status).toBe(400)
    expect((await send('POST', path, { body: { ...body, fingerprint: 'none' }, as: token })).status).toBe(400)
    expect((await send('POST', path, { body, as: token })).status).toBe(201)
    const again = await end(id)
    expect(again.state).toBe('published')
    const seen = (await (await send('GET', `/v1/checks/${id}`)).json()) as Check
    expect(resultOf(seen, 'secrets')).toMatchObject({
      status: 'passed',
      findings: [{ code: 'TY301', suppressed: { reason: body.reason } }],
    })
    expect(await actions('acme/leaky:1.0.0')).toEqual([
      'version.push',
      'version.reject',
      'finding.suppress',
      'version.publish',
    ])
    expect((await push('leaky', 'acme/leaky', '1.1.0')).check.state).toBe('published')
    expect((await send('DELETE', `${path}/${key.fingerprint}`, { as: token })).status).toBe(200)
    expect((await send('DELETE', `${path}/${key.fingerprint}`, { as: token })).status).toBe(404)
    expect((await push('leaky', 'acme/leaky', '1.2.0')).check.state).toBe('rejected')
  })

  it('cannot suppress a finding of a check that states facts', async () => {
    const { id } = await push('slow', 'acme/slow')
    const body = { fingerprint: 'of-TY408', reason: 'it sends events, believe me' }
    const refused = await send('POST', `/v1/checks/${id}/suppressions`, { body, as: token })
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('cannot be suppressed')])
    // Neither does a suppression that was stored before the rule was.
    const { db } = harness.registry.context.database
    const { repository_id } = await db
      .selectFrom('checks')
      .select('repository_id')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    const row = { repository_id, check_name: 'compliance', fingerprint: 'of-TY408', reason: 'x', suppressed_by: 'x' }
    await db
      .insertInto('suppressions')
      .values({ ...row, created_at: new Date() })
      .execute()
    expect((await send('POST', `/v1/checks/${id}/retry`, { as: token })).status).toBe(202)
    expect((await end(id)).state).toBe('rejected')
  })

  it('ask for a review; an operator approves with a note, and the version is published as any other', async () => {
    const { id } = await push('slow', 'acme/appealed')
    const body = { text: 'the dataset of the check has no class that it can learn' }
    expect((await send('POST', `/v1/checks/${id}/appeal`, { body, as: token })).status).toBe(201)
    expect((await send('POST', `/v1/checks/${id}/appeal`, { body, as: token })).status).toBe(409)
    expect((await send('GET', '/v1/appeals', { as: token })).status).toBe(403)
    const list = (await (await send('GET', '/v1/appeals', { as: operator })).json()) as { appeals: Appeal[] }
    const open = list.appeals.find(({ checkId }) => checkId === id)
    expect(open).toMatchObject({ trainer: 'acme/appealed', state: 'open', text: body.text })
    expect(await (await send('GET', `/v1/checks/${id}`, { as: operator })).json()).toMatchObject({ mayDecide: true })
    expect(await (await send('GET', `/v1/checks/${id}`, { as: token })).json()).not.toHaveProperty('mayDecide')
    const decide = (verb: string) =>
      send('POST', `/v1/appeals/${open?.id}/${verb}`, { body: { note: 'seen by a person: it trains' }, as: operator })
    expect((await decide('approve')).status).toBe(200)
    expect((await decide('refuse')).status).toBe(409)
    const check = await end(id)
    expect(check.state).toBe('published')
    expect(resultOf(check, 'compliance')).toMatchObject({
      status: 'failed',
      enforced: false,
      notes: ['published by a moderator: seen by a person: it trains'],
    })
    expect((await send('GET', '/v1/trainers/acme/appealed/versions/1.0.0')).status).toBe(200)
    expect(await actions('acme/appealed:1.0.0')).toEqual([
      'version.push',
      'version.reject',
      'check.appeal',
      'appeal.approve',
      'version.publish',
    ])
  })

  it('see why a review was refused', async () => {
    const { id } = await push('slow', 'acme/refused')
    await send('POST', `/v1/checks/${id}/appeal`, { body: { text: 'please publish this anyway' }, as: token })
    const list = (await (await send('GET', '/v1/appeals', { as: operator })).json()) as { appeals: Appeal[] }
    const open = list.appeals.find(({ checkId }) => checkId === id)
    await send('POST', `/v1/appeals/${open?.id}/refuse`, { body: { note: 'it sends no events at all' }, as: operator })
    const own = (await (await send('GET', `/v1/checks/${id}`, { as: token })).json()) as Check
    expect(own).toMatchObject({
      state: 'rejected',
      mayChange: true,
      appeal: { state: 'refused', answer: 'it sends no events at all' },
    })
  })

  it('retry a rejected check by hand, and no published one', async () => {
    const { id } = await push('slow', 'acme/retried')
    kinds.delete('acme/retried')
    expect((await send('POST', `/v1/checks/${id}/retry`, { as: token })).status).toBe(202)
    expect((await end(id)).state).toBe('published')
    expect((await send('POST', `/v1/checks/${id}/retry`, { as: token })).status).toBe(409)
    expect(await actions('acme/retried:1.0.0')).toEqual([
      'version.push',
      'version.reject',
      'check.retry',
      'version.publish',
    ])
  })

  it('list their pushes, newest first, and those of no one else', async () => {
    const list = async (as: string, query = '') =>
      (await (await send('GET', `/v1/pushes${query}`, { as })).json()) as PushList
    const all = await list(token)
    expect(all.pushes.length).toBeGreaterThan(5)
    expect(all.pushes.map(({ createdAt }) => createdAt)).toEqual(
      all.pushes
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .toReversed(),
    )
    const rejected = await list(token, '?state=rejected')
    expect(rejected.pushes.find(({ trainer }) => trainer === 'acme/refused')).toMatchObject({
      state: 'rejected',
      errors: 1,
      reason: 'the check "compliance" failed',
      pushedByCaller: true,
    })
    const first = await list(token, '?limit=2')
    const second = await list(token, `?limit=2&cursor=${first.nextCursor}`)
    expect([...first.pushes, ...second.pushes].map(({ id }) => id)).toEqual(all.pushes.slice(0, 4).map(({ id }) => id))
    expect((await list(await harness.token(['push:other']))).pushes).toEqual([])
    expect((await send('GET', '/v1/pushes')).status).toBe(401)
  })
})
