import type { CheckResult } from '@trainyard/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { refreshOldEntries } from '../search/refresh-trainer.ts'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'
import { createCheckPolicy } from './check-policy.ts'
import { type TierPolicy, trustOf, trustOfParts } from './trust.ts'

const result = (name: string, status: CheckResult['status'], more: Partial<CheckResult> = {}): CheckResult => ({
  name,
  status,
  required: true,
  findings: [],
  ...more,
})

describe('the tier of a part', () => {
  it('is "checked" only if every required check passed', () => {
    const results = [result('manifest', 'passed'), result('secrets', 'passed')]
    expect(trustOf([...results, result('malware', 'skipped', { required: false })])).toEqual({
      tier: 'checked',
      skipped: [],
    })
    expect(trustOf([...results, result('malware', 'skipped', { reason: 'no scanner' })])).toEqual({
      tier: 'checked_in_part',
      skipped: [{ check: 'malware', reason: 'no scanner' }],
    })
    const failed = trustOf([...results, result('malware', 'failed', { enforced: false })])
    expect(failed).toMatchObject({ tier: 'checked_in_part', skipped: [{ check: 'malware' }] })
  })

  it('is "unchecked" if nothing but the manifest was read', () => {
    expect(trustOf([result('manifest', 'passed'), result('secrets', 'skipped')]).tier).toBe('unchecked')
  })

  it('of a version is that of its weaker part, with what was skipped in either', () => {
    const whole = trustOf([result('manifest', 'passed'), result('secrets', 'passed')])
    const part = trustOf([
      ...[result('manifest', 'passed'), result('secrets', 'passed')],
      result('compliance', 'skipped'),
    ])
    expect(trustOfParts([whole, part])).toEqual(part)
    expect(trustOfParts([undefined, whole])).toEqual(whole)
    expect(trustOfParts([undefined])).toBeUndefined()
  })
})

describe('the policy for tiers', () => {
  let harness: Harness
  afterEach(() => harness.close())
  const checked = ['checked'] as const
  const both = ['checked', 'checked_in_part'] as const

  /** Publishes a bundle that was checked for everything but malware. */
  async function publish(tiers: TierPolicy): Promise<string> {
    const required = ['manifest', 'secrets', 'compliance', 'malware'] as const
    const enforced = ['secrets', 'compliance'] as const
    harness = await createHarness({ config: { tiers, checkPolicy: createCheckPolicy({ required, enforced }) } })
    await harness.registry.start()
    const token = await harness.token(['push:acme'])
    const check = await endOfCheck(
      harness,
      token,
      await pushBundle(harness, { name: 'acme/part', version: '1.0.0', token }),
    )
    expect(check).toMatchObject({
      state: 'published',
      trust: { tier: 'checked_in_part', skipped: [{ check: 'malware' }] },
    })
    return token
  }
  const seen = async (path: string) => (await harness.request(path)).status

  it('shows the tier wherever a version is shown', async () => {
    await publish({ pull: both, run: both, list: both })
    const trust = { tier: 'checked_in_part', skipped: [{ check: 'malware', reason: expect.any(String) }] }
    const trainer = await (await harness.request('/v1/trainers/acme/part')).json()
    expect(trainer).toMatchObject({ versions: [{ version: '1.0.0', trust }] })
    expect(await (await harness.request('/v1/trainers/acme/part/versions/1.0.0')).json()).toMatchObject({ trust })
    expect(await (await harness.request('/v1/trainers')).json()).toMatchObject({
      trainers: [{ name: 'acme/part', trust }],
      facets: { tier: [{ value: 'checked_in_part', count: 1 }] },
    })
    const resolved = await (await harness.request('/v1/trainers/acme/part/resolve')).json()
    expect(resolved).toMatchObject({ trust, bundle: { trust } })
  })

  it('refuses to let a version run, and says why and whose decision that is', async () => {
    await publish({ pull: both, run: checked, list: both })
    expect(await seen('/v2/acme/part/manifests/1.0.0')).toBe(200)
    const refused = await harness.request('/v1/trainers/acme/part/resolve')
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({
      detail: expect.stringMatching(
        /only versions run that are checked \(REGISTRY_TIERS_RUN\).+in part; skipped: malware/,
      ),
    })
  })

  it('refuses a pull with the reason, by tag, by digest and of blobs, but not the owner', async () => {
    const token = await publish({ pull: checked, run: checked, list: both })
    const own = await harness.request('/v2/acme/part/manifests/1.0.0', { token })
    expect(own.status).toBe(200)
    expect(own.headers.get('warning')).toContain('only its owner can pull it: it is checked in part; skipped: malware')
    const { layers } = (await own.json()) as { layers: { digest: string }[] }
    const denied = await harness.request('/v2/acme/part/manifests/1.0.0')
    expect(denied.status).toBe(403)
    expect(await denied.json()).toMatchObject({
      errors: [{ code: 'DENIED', message: expect.stringContaining('checked in part; skipped: malware') }],
    })
    expect(await seen(`/v2/acme/part/manifests/${own.headers.get('docker-content-digest')}`)).toBe(403)
    expect(await seen(`/v2/acme/part/blobs/${layers[0]?.digest}`)).toBe(404)
    expect((await harness.request('/v1/trainers/acme/part/resolve')).status).toBe(403)
  })

  it('can leave a version out of lists that can be pulled by its number', async () => {
    await publish({ pull: both, run: both, list: checked })
    expect(await seen('/v2/acme/part/manifests/1.0.0')).toBe(200)
    expect(await (await harness.request('/v1/trainers')).json()).toMatchObject({ total: 0 })
    expect(await (await harness.request('/v2/acme/part/tags/list')).json()).toMatchObject({ tags: [] })
    expect(await seen('/v1/trainers/acme/part')).toBe(404)
  })

  it('refuses by default what was only parsed, however little is required', async () => {
    const checkPolicy = createCheckPolicy({ enabled: ['manifest'], required: ['manifest'] })
    harness = await createHarness({ config: { checkPolicy } })
    await harness.registry.start()
    const token = await harness.token(['push:acme'])
    const pushed = await pushBundle(harness, { name: 'acme/unread', version: '1.0.0', token })
    const id = pushed.headers.get('trainyard-check')
    expect(await endOfCheck(harness, token, pushed)).toMatchObject({ state: 'published', trust: { tier: 'unchecked' } })
    for (const path of ['/v2/acme/unread/manifests/1.0.0', '/v1/trainers/acme/unread', `/v1/checks/${id}`]) {
      expect([path, (await seen(path)) >= 400]).toEqual([path, true])
    }
    expect(await (await harness.request('/v1/trainers')).json()).toMatchObject({ total: 0 })
  })

  it('applies to what was published before it changed, from the next start on', async () => {
    await publish({ pull: both, run: both, list: both })
    const { context } = harness.registry
    const listed = async () => ((await (await harness.request('/v1/trainers')).json()) as { total: number }).total
    expect(await listed()).toBe(1)
    const { tiers } = context.config
    context.config.tiers = { pull: both, run: both, list: checked }
    await refreshOldEntries(context)
    expect(await listed()).toBe(0)
    context.config.tiers = tiers
    await refreshOldEntries(context)
    expect(await listed()).toBe(1)
  })
})
