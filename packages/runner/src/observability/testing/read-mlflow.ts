import { z } from 'zod'
import type { SeenExperiment } from '../adapter.cases.ts'

const Tags = z.array(z.object({ key: z.string(), value: z.string() })).default([])
const Run = z.object({
  info: z.object({
    run_id: z.string(),
    status: z.string(),
    experiment_id: z.string(),
    start_time: z.number(),
    end_time: z.number().optional(),
  }),
  data: z.object({ metrics: z.array(z.object({ key: z.string() })).default([]), params: Tags, tags: Tags }),
})
const Runs = z.object({ runs: z.array(Run).default([]) })
const Experiment = z.object({ experiment: z.object({ experiment_id: z.string(), tags: Tags }) })
const Value = z.object({
  key: z.string(),
  value: z.union([z.number(), z.string()]),
  timestamp: z.number(),
  step: z.number(),
})
const History = z.object({ metrics: z.array(Value).default([]), next_page_token: z.string().optional() })
const Files = z.object({ files: z.array(z.object({ path: z.string() })).default([]) })
const STATES: Record<string, 'succeeded' | 'failed' | 'cancelled'> = {
  FINISHED: 'succeeded',
  FAILED: 'failed',
  KILLED: 'cancelled',
}

/** Reads from a tracking server, like its own page: https://mlflow.org/docs/latest/api_reference/rest-api.html */
export function mlflowReader(uri: string) {
  const request = async <T>(path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${uri}/api/2.0/${path}`, body === undefined ? {} : init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return schema.parse(await response.json())
  }
  const readHistory = async (runId: string, key: string) => {
    const points: z.infer<typeof Value>[] = []
    for (let page = ''; ; ) {
      const query = `run_id=${runId}&metric_key=${encodeURIComponent(key)}&max_results=1000${page}`
      const found = await request(`mlflow/metrics/get-history?${query}`, History)
      points.push(...found.metrics)
      if (found.next_page_token === undefined || found.next_page_token === '') return points
      page = `&page_token=${encodeURIComponent(found.next_page_token)}`
    }
  }
  const getRun = async (runId: string) => (await request(`mlflow/runs/get?run_id=${runId}`, z.object({ run: Run }))).run
  const getExperiment = async (name: string) =>
    (await request(`mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`, Experiment)).experiment
  return {
    getRun,
    getExperiment,
    /** Ids of an experiment's runs. */
    async listRuns(experiment: string): Promise<string[]> {
      const found = await getExperiment(experiment)
      const { runs } = await request('mlflow/runs/search', Runs, { experiment_ids: [found.experiment_id] })
      return runs.map(({ info }) => info.run_id)
    },
    async read(runId: string): Promise<SeenExperiment> {
      const { info, data } = await getRun(runId)
      const points: SeenExperiment['points'] = []
      for (const { key } of data.metrics)
        for (const point of await readHistory(runId, key))
          points.push({ name: key, step: point.step, value: Number(point.value), timeMs: point.timestamp })
      const base = `mlflow-artifacts/artifacts?path=${info.experiment_id}/${runId}/artifacts/checkpoint`
      const { files } = await request(base, Files)
      const state = STATES[info.status]
      return {
        points,
        params: Object.fromEntries(data.params.map(({ key, value }) => [key, value])),
        artifacts: files.map((file) => file.path),
        lines: [],
        state,
      }
    },
  }
}
