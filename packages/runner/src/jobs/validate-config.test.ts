import { TrainerManifest } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { validateConfig } from './validate-config.ts'

const manifest = TrainerManifest.parse({
  name: 'acme/tiny',
  version: '1.0.0',
  displayName: 'Tiny',
  description: 'Tiny',
  license: 'Apache-2.0',
  authors: ['Trainyard'],
  contract: '1',
  framework: 'none',
  taskTypes: ['classification'],
  entrypoints: { train: ['node'] },
  models: [{ name: 'tiny', taskTypes: ['classification'] }],
  datasetFormats: ['imagefolder'],
  metrics: { primary: { classification: { name: 'accuracy', goal: 'maximize' } } },
  config: { type: 'object', properties: { epochs: { type: 'integer' } } },
})

it('asks to send a job again when the machine was too busy to check its settings', async () => {
  await expect(
    validateConfig(manifest, { epochs: 3 }, undefined, async () => ({ type: 'busy' })),
  ).rejects.toMatchObject({
    code: 'unavailable',
    status: 503,
    retryable: true,
    retryAfterSeconds: 5,
  })
})

it('refuses a job for good when checking its settings takes too much', async () => {
  await expect(
    validateConfig(manifest, { epochs: 3 }, undefined, async () => ({ type: 'ended' })),
  ).rejects.toMatchObject({ code: 'unprocessable', retryable: false, issues: [{ path: 'trainer' }] })
})
