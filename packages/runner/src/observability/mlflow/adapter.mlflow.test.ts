import { describe, expect, it } from 'vitest'
import { adapterCases, testArtifact, testInfo } from '../adapter.cases.ts'
import { mlflowReader } from '../testing/read-mlflow.ts'
import { createMlflowAdapter } from './index.ts'
import { mlflowName } from './names.ts'

const uri = process.env.MLFLOW_TRACKING_URI
if (uri === undefined) {
  describe('the mlflow backend', () => {
    it.skip('needs a server (set MLFLOW_TRACKING_URI, for example to http://127.0.0.1:5000 with `mlflow server`)', () => {})
  })
} else {
  const config = { trackingUri: uri, experiment: 'trainyard-tests', maxUploadBytes: 1024 ** 2 }
  adapterCases(
    { name: 'mlflow', idempotent: true, notFinite: true, anyName: false, params: true, ends: true },
    async () => ({
      create: () => createMlflowAdapter(config),
      createDead: () => createMlflowAdapter({ ...config, trackingUri: 'http://127.0.0.1:9' }),
      read: async (_adapter, handle) => await mlflowReader(uri).read(String(handle.runId)),
    }),
  )

  describe('a run of MLflow', () => {
    it('is in an experiment for model training, and its link opens the page for that', async () => {
      const experiment = `trainyard-tests-${process.pid}-${Date.now()}`
      const adapter = createMlflowAdapter({ ...config, experiment })
      const handle = await adapter.start(testInfo(), AbortSignal.timeout(30_000))
      expect(adapter.link(handle)).toMatch(/runs\/[0-9a-f]{32}\?workflowType=machine_learning$/)
      const { tags } = await mlflowReader(uri).getExperiment(experiment)
      expect(tags).toContainEqual({ key: 'mlflow.experimentKind', value: 'custom_model_development' })
    })

    it('has its origin, its start time and the content of a file', async () => {
      const adapter = createMlflowAdapter(config)
      const info = testInfo()
      const signal = AbortSignal.timeout(30_000)
      const handle = await adapter.start(info, signal)
      await adapter.logArtifact(handle, testArtifact('the bytes'), signal)
      await adapter.logArtifact(handle, { ...testArtifact(), name: 'huge.bin', sizeBytes: 10 * 1024 ** 3 }, signal)
      const run = await mlflowReader(uri).getRun(String(handle.runId))
      const tags = Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))
      expect(tags).toMatchObject({
        'trainyard.key': info.key,
        'trainyard.job_url': info.jobUrl,
        'trainyard.trainer': 'acme/plain@1.2.3',
        'mlflow.runName': info.name,
      })
      expect(tags['trainyard.artifact.huge.bin']).toContain('10737418240 bytes')
      expect(run.info.start_time).toBe(info.launchedAt?.getTime())
      const path = `${handle.experimentId}/${handle.runId}/artifacts/checkpoint/best%20model.bin`
      const file = await fetch(`${uri}/api/2.0/mlflow-artifacts/artifacts/${path}`)
      expect(await file.text()).toBe('the bytes')
    })
  })
}

describe('names for MLflow', () => {
  it('are unchanged if they are valid, and never become the same', () => {
    expect(mlflowName('val/loss: a-b_c.d 1')).toBe('val/loss: a-b_c.d 1')
    expect(mlflowName('mAP(B)')).not.toBe(mlflowName('mAP[B]'))
    expect(mlflowName('../../x')).not.toContain('..')
    expect(mlflowName('y'.repeat(300)).length).toBeLessThanOrEqual(250)
  })
})
