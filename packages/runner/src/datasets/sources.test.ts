import { describe, expect, it } from 'vitest'
import { sourceCases } from './sources.cases.ts'
import { parseDatasetSources } from './sources.ts'

sourceCases('a folder store', (own) => ({ fetch: async (url) => (await own.app?.request(url)) ?? new Response() }))

describe('DATASET_SOURCES', () => {
  it('holds prefixes of buckets and of the platform’s own store', () => {
    expect(parseDatasetSources('s3://images/cells, s3://all store://shared/')).toEqual([
      { bucket: 'images', prefix: 'cells/' },
      { bucket: 'all', prefix: '' },
      { prefix: 'shared/' },
    ])
  })
  it.each(['images/cells', 's3://', 'store://', 'store://datasets/', 'store://jobs/1', 'file:///etc'])(
    'refuses %s',
    (text) => {
      expect(() => parseDatasetSources(text)).toThrow(/must /)
    },
  )
})
