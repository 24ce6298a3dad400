import type { ObjectStore } from '@trainyard/platform'
import { describe, expect, it } from 'vitest'
import type { DatasetContext } from './context.ts'
import { sourceCases } from './sources.cases.ts'
import { checkSource, parseDatasetSources } from './sources.ts'

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

  it.each(['', 'datasets/', 'jobs/7/', 'job'])(
    'never opens the platform’s own objects by the name of its bucket: "%s"',
    (prefix) => {
      const store = { bucket: 'trainyard' } as ObjectStore
      const config = { dataDir: '', datasetSources: parseDatasetSources('s3://trainyard s3://other') }
      const context = { config, store } as unknown as DatasetContext
      const own = prefix === 'job' ? 'jobs' : prefix
      expect(() => checkSource(context, { bucket: 'trainyard', prefix: own })).toThrow('not below a source')
      expect(checkSource(context, { bucket: 'trainyard', prefix: 'cells/' })).toEqual({
        bucket: 'trainyard',
        prefix: 'cells/',
      })
      expect(checkSource(context, { bucket: 'other', prefix: own })).toMatchObject({ bucket: 'other' })
    },
  )
})
