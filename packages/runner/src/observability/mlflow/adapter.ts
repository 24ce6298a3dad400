import { z } from 'zod'
import { BackendRefused, type ExperimentEnd, type ExperimentInfo, type ObservabilityAdapter } from '../adapter.ts'
import { Anything, askBackend, askJson, authorization, BackendAnswer, refuseFinal } from '../http.ts'
import type { MlflowConfig } from './config.ts'
import { MLFLOW_LIMITS, mlflowName, mlflowNumber } from './names.ts'

const Experiment = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().optional() }),
})
const CreatedExperiment = z.object({ experiment_id: z.string() })
const Run = z.object({ info: z.object({ run_id: z.string() }) })
const CreatedRun = z.object({ run: Run })
const FoundRuns = z.object({ runs: z.array(Run).default([]) })

const KEY_TAG = 'trainyard.key'
/** MLflow 3 keeps model training and language models apart; without it, it guesses from what is inside. */
const EXPERIMENT_KIND = { key: 'mlflow.experimentKind', value: 'custom_model_development' }
const STATUS: Record<ExperimentEnd['state'], string> = { succeeded: 'FINISHED', failed: 'FAILED', cancelled: 'KILLED' }

/** A run of an MLflow tracking server for each attempt, through its REST API 2.0. */
export function createMlflowAdapter(config: MlflowConfig): ObservabilityAdapter {
  const origin = config.trackingUri.replace(/\/+$/, '')
  const headers = authorization(config)
  const api = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, json?: unknown) =>
    askJson(`${origin}/api/2.0/mlflow/${path}`, schema, {
      method: json === undefined ? 'GET' : 'POST',
      headers,
      signal,
      json,
    })
  const post = async (path: string, json: unknown, signal: AbortSignal) => {
    await api(path, Anything, signal, json).catch(refuseFinal)
    return undefined
  }
  let experimentId: string | undefined

  const findExperiment = async (signal: AbortSignal): Promise<string> => {
    const byName = `experiments/get-by-name?experiment_name=${encodeURIComponent(config.experiment)}`
    const found = async () => {
      const { experiment } = await api(byName, Experiment, signal)
      if (experiment.lifecycle_stage === 'deleted')
        throw new Error(
          `The experiment "${config.experiment}" of MLflow was deleted; restore it, or set MLFLOW_EXPERIMENT_NAME`,
        )
      return experiment.experiment_id
    }
    return await found().catch(async (error: unknown) => {
      if (!isCode(error, 'RESOURCE_DOES_NOT_EXIST')) throw error
      const json = { name: config.experiment, tags: [EXPERIMENT_KIND] }
      return await api('experiments/create', CreatedExperiment, signal, json).then(
        (created) => created.experiment_id,
        // Another replica was quicker.
        (failure: unknown) => (isCode(failure, 'RESOURCE_ALREADY_EXISTS') ? found() : Promise.reject(failure)),
      )
    })
  }

  return {
    name: 'mlflow',
    takes: { metrics: true, artifacts: true, lines: false },
    async start(info, signal) {
      experimentId ??= await findExperiment(signal)
      const filter = `tags.\`${KEY_TAG}\` = '${info.key}'`
      const search = { experiment_ids: [experimentId], filter, max_results: 1 }
      const { runs } = await api('runs/search', FoundRuns, signal, search).catch((error: unknown) => {
        // It may have been deleted and made anew since.
        experimentId = undefined
        throw error
      })
      const known = runs[0]
      if (known !== undefined) return { experimentId, runId: known.info.run_id }
      const { run } = await api('runs/create', CreatedRun, signal, {
        experiment_id: experimentId,
        run_name: info.attempt === 1 ? info.name : `${info.name} (attempt ${info.attempt})`,
        start_time: (info.launchedAt ?? info.createdAt).getTime(),
        tags: tagsOf(info),
      })
      return { experimentId, runId: run.info.run_id }
    },
    async logParams(handle, info, signal) {
      const params = Object.entries(info.params).map(([key, value]) => ({
        key: mlflowName(key),
        value: String(value).slice(0, MLFLOW_LIMITS.paramLength),
      }))
      for (let at = 0; at < params.length; at += MLFLOW_LIMITS.params)
        await post(
          'runs/log-batch',
          { run_id: handle.runId, params: params.slice(at, at + MLFLOW_LIMITS.params) },
          signal,
        )
      return undefined
    },
    async logMetrics(handle, points, signal) {
      const metrics = points.map((point) => ({
        key: mlflowName(point.name),
        value: mlflowNumber(point.value),
        timestamp: point.time.getTime(),
        step: point.step,
      }))
      for (let at = 0; at < metrics.length; at += MLFLOW_LIMITS.metrics)
        await post(
          'runs/log-batch',
          { run_id: handle.runId, metrics: metrics.slice(at, at + MLFLOW_LIMITS.metrics) },
          signal,
        )
      return undefined
    },
    async logArtifact(handle, artifact, signal) {
      if (artifact.sizeBytes > config.maxUploadBytes) {
        const value = `${artifact.url} (${artifact.sizeBytes} bytes, sha256 ${artifact.sha256})`
        return await post(
          'runs/set-tag',
          { run_id: handle.runId, key: mlflowName(`trainyard.artifact.${artifact.name}`), value },
          signal,
        )
      }
      const path = `${artifact.kind}/${artifact.name}`.split('/').map(encodeURIComponent).join('/')
      const url = `${origin}/api/2.0/mlflow-artifacts/artifacts/${handle.experimentId}/${handle.runId}/artifacts/${path}`
      const body = await artifact.read().catch((error: unknown) => {
        throw new BackendRefused(`${artifact.name} cannot be read`, { cause: error })
      })
      const sent = { 'content-type': 'application/octet-stream', ...headers }
      await askBackend(url, { method: 'PUT', headers: sent, body, signal }).catch(refuseFinal)
      return undefined
    },
    logLines: async () => undefined,
    async finish(handle, end, _info, signal) {
      const tags = [
        { key: 'trainyard.end_reason', value: end.reason },
        ...(end.message === undefined
          ? []
          : [{ key: 'trainyard.error', value: end.message.slice(0, MLFLOW_LIMITS.tagLength) }]),
      ]
      await post('runs/log-batch', { run_id: handle.runId, tags }, signal)
      const status = STATUS[end.state]
      return await post('runs/update', { run_id: handle.runId, status, end_time: end.finishedAt.getTime() }, signal)
    },
    // Its page opens on language models, where runs are "evaluations", unless the address says otherwise.
    link: ({ experimentId: experiment, runId }) =>
      `${(config.uiUrl ?? origin).replace(/\/+$/, '')}/#/experiments/${experiment}/runs/${runId}?workflowType=machine_learning`,
  }
}

function tagsOf(info: ExperimentInfo): { key: string; value: string }[] {
  const tags: Record<string, string | undefined> = {
    [KEY_TAG]: info.key,
    'trainyard.job': String(info.jobId),
    'trainyard.attempt': String(info.attempt),
    'trainyard.job_url': info.jobUrl,
    'trainyard.trainer': `${info.trainer.name}@${info.trainer.version}`,
    'trainyard.trainer_digest': info.trainer.digest,
    'trainyard.framework': info.trainer.framework,
    'trainyard.operation': info.operation,
    'trainyard.task': info.taskType,
    'trainyard.model': info.model,
    'trainyard.trace_id': info.traceId,
    'trainyard.dataset': info.dataset?.name,
    'trainyard.dataset_version': info.dataset?.versionHash,
    'mlflow.source.name': info.trainer.name,
  }
  return Object.entries(tags).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: value.slice(0, MLFLOW_LIMITS.tagLength) }],
  )
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof BackendAnswer && error.body.includes(`"${code}"`)
}
