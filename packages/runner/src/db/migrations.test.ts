import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runnerMigrations } from './migrations/index.ts'

it('lists every file of the folder by its name, in the order in which they run', async () => {
  const files = await readdir(join(import.meta.dirname, 'migrations'))
  const names = files.filter((name) => name !== 'index.ts').map((name) => name.replace(/\.ts$/, ''))
  expect(Object.keys(runnerMigrations)).toEqual(names.toSorted())
})

it('keeps the names that existing databases have recorded', () => {
  expect(Object.keys(runnerMigrations)).toEqual(
    expect.arrayContaining([
      '20261120T1000-datasets',
      '20261120T1100-jobs',
      '20261121T0100-dataset-uploads',
      '20261121T0355-dataset-projects',
      '20261121T0355-job-projects',
      '20261121T0400-intake',
      '20261121T0401-metric-blocks',
      '20261121T0402-dataset-sources',
      '20261121T0403-job-splits',
      '20261121T0405-queues',
      '20261121T0445-logs-level',
      '20261121T0518-experiments',
      '20261121T0835-event-chunks',
      '20261121T1400-cache-fills',
      '20261129T1540-held-output',
      '20261129T1556-metric-names',
      '20261129T1600-isolation-warning',
      '20261129T2212-dataset-objects',
      '20261130T0130-pictures',
      '20261130T0610-dataset-versions',
      '20261130T0630-dataset-results',
      '20261130T1000-usage',
      '20261130T1015-resource-samples',
      '20261130T1055-dataset-quota',
      '20261130T1100-trace-parents',
      '20261130T2330-dataset-losses',
    ]),
  )
})
