import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { adapterCases, testArtifact, testInfo } from '../adapter.cases.ts'
import { createMlflowAdapter } from './index.ts'
import { mlflowName } from './names.ts'

const uri = process.env.MLFLOW_TRACKING_URI
const Run = z.object({
  run: z.object({
    info: z.object({
      status: z.string(),
      experiment_id: z.string(),
      start_time: z.number(),
      end_time: z.number().optional(),
    }),
    data: z.object({
      metrics: z.array(z.object({ key: z.string() })).default([]),
      params: z.array(z.object({ key: z.string(), value: z.string() })).default([]),
      tags: z.array(z.object({ key: z.string(), value: z.string() })).default([]),
    }),
  }),
})
const History = z.object({
  metrics: z
    .array(
      z.object({ key: z.string(), value: z.union([z.number(), z.string()]), timestamp: z.number(), step: z.number() }),
    )
    .default([]),
  next_page_token: z.string().optional(),
})
const STATES: Record<string, 'succeeded' | 'failed' | 'cancelled'> = {
  FINISHED: 'succeeded',
  FAILED: 'failed',
  KILLED: 'cancelled',
}

async function ask(path: string): Promise<unknown> {
  const response = await fetch(`${uri}/api/2.0/${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return await response.json()
}

async function readHistory(runId: unknown, key: string) {
  const points = []
  for (let page = ''; ; ) {
    const query = `run_id=${runId}&metric_key=${encodeURIComponent(key)}&max_results=1000${page}`
    const found = History.parse(await ask(`mlflow/metrics/get-history?${query}`))
    points.push(...found.metrics)
    if (found.next_page_token === undefined || found.next_page_token === '') return points
    page = `&page_token=${encodeURIComponent(found.next_page_token)}`
  }
}

if (uri === undefined) {
  describe('the mlflow backend', () => {
    it.skip('needs a server: set MLFLOW_TRACKING_URI, for example to http://127.0.0.1:5000 with `mlflow server`', () => {})
  })
} else {
  const config = { trackingUri: uri, experiment: 'trainyard-tests', maxUploadBytes: 1024 ** 2 }
  adapterCases(
    { name: 'mlflow', idempotent: true, notFinite: true, anyName: false, params: true, ends: true },
    async () => ({
      create: () => createMlflowAdapter(config),
      createDead: () => createMlflowAdapter({ ...config, trackingUri: 'http://127.0.0.1:9' }),
      async read(_adapter, handle) {
        const { run } = Run.parse(await ask(`mlflow/runs/get?run_id=${handle.runId}`))
        const points = []
        for (const { key } of run.data.metrics)
          for (const point of await readHistory(handle.runId, key))
            points.push({ name: key, step: point.step, value: Number(point.value), timeMs: point.timestamp })
        const base = `mlflow-artifacts/artifacts?path=${handle.experimentId}/${handle.runId}/artifacts/checkpoint`
        const Files = z.object({ files: z.array(z.object({ path: z.string() })).default([]) })
        const { files } = Files.parse(await ask(base))
        const state = STATES[run.info.status]
        return {
          points,
          params: Object.fromEntries(run.data.params.map(({ key, value }) => [key, value])),
          artifacts: files.map((file) => file.path),
          lines: [],
          ...(state === undefined ? {} : { state }),
        }
      },
    }),
  )

  describe('a run of MLflow', () => {
    it('says where it comes from, when it began, and holds the bytes of a file', async () => {
      const adapter = createMlflowAdapter(config)
      const info = testInfo()
      const signal = AbortSignal.timeout(30_000)
      const handle = await adapter.start(info, signal)
      await adapter.logArtifact(handle, testArtifact('the bytes'), signal)
      await adapter.logArtifact(handle, { ...testArtifact(), name: 'huge.bin', sizeBytes: 10 * 1024 ** 3 }, signal)
      const { run } = Run.parse(await ask(`mlflow/runs/get?run_id=${handle.runId}`))
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
  it('are left as they are where they can be, and never become the same', () => {
    expect(mlflowName('val/loss: a-b_c.d 1')).toBe('val/loss: a-b_c.d 1')
    expect(mlflowName('mAP(B)')).not.toBe(mlflowName('mAP[B]'))
    expect(mlflowName('../../x')).not.toContain('..')
    expect(mlflowName('y'.repeat(300)).length).toBeLessThanOrEqual(250)
  })
})
