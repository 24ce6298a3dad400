import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createHarness, type Harness } from '../testing/harness.ts'
import { cachedByLayer, type LayerScan } from './cached-by-layer.ts'

describe('the result of a scanned layer', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
  })
  afterAll(() => harness.close())

  it('is reused for the same bytes, scanner, version and settings only', async () => {
    let scans = 0
    const scan = (scanned: Partial<LayerScan>, schema: z.ZodType<number> = z.number()) =>
      cachedByLayer(
        harness.registry.context,
        { layerDigest: 'sha256:a', scanner: 'clamd', scannerVersion: '1', ...scanned },
        schema,
        async () => ++scans,
      )
    expect([await scan({}), await scan({}), await scan({})]).toEqual([1, 1, 1])
    expect(await scan({ layerDigest: 'sha256:b' })).toBe(2)
    expect(await scan({ scanner: 'secrets' })).toBe(3)
    expect(await scan({ scannerVersion: '2' })).toBe(4)
    expect(await scan({ settings: 'strict' })).toBe(5)
    // A stored result of another form, of an older version of the registry, is replaced.
    expect(await scan({}, z.number().min(2))).toBe(6)
    expect(await scan({})).toBe(6)
  })

  it('is not stored if the scan fails', async () => {
    const scanned = { layerDigest: 'sha256:c', scanner: 'clamd', scannerVersion: '1' }
    const { context } = harness.registry
    const fails = async () => Promise.reject(new Error('no scanner'))
    await expect(cachedByLayer(context, scanned, z.number(), fails)).rejects.toThrow('no scanner')
    expect(await cachedByLayer(context, scanned, z.number(), async () => 7)).toBe(7)
  })
})
