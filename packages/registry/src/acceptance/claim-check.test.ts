import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHarness, type Harness, pushBundle, pushImage, trainerManifest } from '../testing/harness.ts'
import { type ClaimedCheck, claimCheck } from './claim-check.ts'
import { finishCheck } from './finish-check.ts'

describe('the queue of checks', () => {
  let harness: Harness
  let token: string
  beforeEach(async () => {
    harness = await createHarness({ config: { checksPerOrganisation: 2 } })
    token = await harness.token(['push:*'])
  })
  afterEach(() => harness.close())

  const push = (name: string, version = '1.0.0') => pushBundle(harness, { name, version, token })
  const claim = () => claimCheck(harness.registry.context, 'a process')
  const finish = (check: ClaimedCheck) =>
    finishCheck(harness.registry.context, check, {
      results: check.results,
      manifest: undefined,
      readme: undefined,
      checkedImages: [],
    })

  it('lets organisations take turns, however many pushes one of them has', async () => {
    for (let patch = 0; patch < 6; patch++) await push('many/pushes', `1.0.${patch}`)
    await push('one/push')
    await push('two/pushes', '1.0.0')
    await push('two/pushes', '1.0.1')
    const order: string[] = []
    for (let check = await claim(); check; check = await claim()) {
      order.push(`${check.trainer}:${check.version}`)
      await finish(check)
    }
    expect(order.slice(0, 5)).toEqual([
      'many/pushes:1.0.0',
      'one/push:1.0.0',
      'two/pushes:1.0.0',
      'many/pushes:1.0.1',
      'two/pushes:1.0.1',
    ])
    expect(order).toHaveLength(9)
  })

  it('never runs more checks of an organisation than its share, also for processes that claim at the same time', async () => {
    for (let patch = 0; patch < 6; patch++) await push('many/pushes', `1.0.${patch}`)
    await push('one/push')
    const claimed = await Promise.all(Array.from({ length: 8 }, () => claim()))
    const names = claimed.flatMap((check) => (check ? [check.trainer] : []))
    expect(names.toSorted()).toEqual(['many/pushes', 'many/pushes', 'one/push'])
    expect(new Set(claimed.flatMap((check) => (check ? [check.id] : []))).size).toBe(3)
    // A process died: its share is free when its leases have expired.
    await harness.registry.context.database.db
      .updateTable('checks')
      .set({ lease_until: new Date(0) })
      .where('lease_owner', 'is not', null)
      .execute()
    expect((await claim())?.tries).toBe(2)
  })

  it('passes over images where their runs have reached their limit, for the bundles after them', async () => {
    const name = 'acme/image'
    const layers = [[{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]]
    await pushImage(harness, { name, version: '1.0.0', token, layers })
    await push('other/bundle')
    const { context } = harness.registry
    expect((await claimCheck(context, 'a process', ['bundle']))?.trainer).toBe('other/bundle')
    expect(await claimCheck(context, 'a process', ['bundle'])).toBeUndefined()
    expect((await claim())?.trainer).toBe(name)
  })

  it('claims what has a low priority last', async () => {
    await push('acme/rescan')
    await harness.registry.context.database.db.updateTable('checks').set({ priority: -1 }).execute()
    await push('other/push')
    expect((await claim())?.trainer).toBe('other/push')
    expect((await claim())?.trainer).toBe('acme/rescan')
  })
})
