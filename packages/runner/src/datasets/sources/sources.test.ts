import type { ObjectStore } from '@trainyard/platform'
import { describe, expect, it } from 'vitest'
import type { DatasetContext } from '../context.ts'
import { checkSource } from './check-source.ts'
import { parseDatasetSources } from './parse-dataset-sources.ts'
import { sourceCases } from './sources.cases.ts'

sourceCases('a folder store', (own) => ({ fetch: async (url) => (await own.app?.request(url)) ?? new Response() }))

describe('DATASET_SOURCES', () => {
  it('lists prefixes of buckets and of the platform’s own store', () => {
    expect(parseDatasetSources('s3://images/cells, s3://all store://shared/')).toEqual([
      { bucket: 'images', prefix: 'cells/' },
      { bucket: 'all', prefix: '' },
      { prefix: 'shared/' },
    ])
  })
  it('can limit a source to organisations', () => {
    expect(parseDatasetSources('red+blue=s3://images/cells, s3://all/a=b')).toEqual([
      { bucket: 'images', prefix: 'cells/', organisations: ['red', 'blue'] },
      { bucket: 'all', prefix: 'a=b/' },
    ])
    for (const text of ['=s3://images', 'Red=s3://images', 'red+=s3://images'])
      expect(() => parseDatasetSources(text), text).toThrow('must name organisations before "="')
  })

  it.each([
    ['red=s3://red', 's3://red/cells/', ['red']],
    ['red=s3://red', 's3://red/', ['red']],
    // A wider entry does not open a source that is limited to organisations.
    ['s3://all red=s3://all/red', 's3://all/red/cells/', ['red']],
    ['s3://all red=s3://all/red', 's3://all/green/', ['red', 'blue', undefined]],
    // Neither does a folder that contains it.
    ['s3://all red=s3://all/red', 's3://all/', ['red']],
    ['s3://all red=s3://all/teams/red', 's3://all/teams/', ['red']],
    // A narrower entry does.
    ['red=s3://all red+blue=s3://all/shared', 's3://all/shared/', ['red', 'blue']],
    ['red=s3://all red+blue=s3://all/shared', 's3://all/other/', ['red']],
    ['red=s3://one blue=s3://one', 's3://one/', ['red', 'blue']],
    ['red=store://red', 'store://red/', ['red']],
    ['red=store://red', 's3://red/', []],
  ])('%s opens %s to %j', (allowed, location, expected) => {
    const config = { dataDir: '', datasetSources: parseDatasetSources(allowed) }
    const context = { config, store: {} } as unknown as DatasetContext
    const [, scheme, rest = ''] = /^(s3|store):\/\/(.*)$/.exec(location) ?? []
    const [bucket = '', ...parts] = rest.split('/')
    const source = scheme === 's3' ? { bucket, prefix: parts.join('/') } : { prefix: rest }
    const refusals = new Set<string>()
    const open = ['red', 'blue', undefined].filter((organisation) => {
      try {
        return checkSource(context, source, organisation)
      } catch (error) {
        refusals.add(String(error))
        return false
      }
    })
    expect(open).toEqual(expected)
    for (const refusal of refusals) expect(refusal).toContain('is not below a source that DATASET_SOURCES allows')
  })

  it.each(['images/cells', 's3://', 'store://', 'store://datasets/', 'store://jobs/1', 'file:///etc'])(
    'refuses %s',
    (text) => {
      expect(() => parseDatasetSources(text)).toThrow(/must /)
    },
  )

  it.each(['', 'datasets/', 'jobs/7/', 'job'])(
    'never opens the platform’s own objects by the name of their bucket: "%s"',
    (prefix) => {
      const store = { bucket: 'trainyard' } as ObjectStore
      const config = { dataDir: '', datasetSources: parseDatasetSources('s3://trainyard s3://other') }
      const context = { config, store } as unknown as DatasetContext
      const own = prefix === 'job' ? 'jobs' : prefix
      expect(() => checkSource(context, { bucket: 'trainyard', prefix: own }, 'local')).toThrow('not below a source')
      expect(checkSource(context, { bucket: 'trainyard', prefix: 'cells/' }, 'local')).toEqual({
        bucket: 'trainyard',
        prefix: 'cells/',
      })
      expect(checkSource(context, { bucket: 'other', prefix: own }, 'local')).toMatchObject({ bucket: 'other' })
    },
  )
})
