import { z } from 'zod'
import {
  type ArtifactInfo,
  BackendRefused,
  type ExperimentEnd,
  type ExperimentInfo,
  type Handle,
  type ObservabilityAdapter,
  type Point,
} from '../adapter.ts'
import { Anything, authorization, BackendError, requestJson, requestText, rethrow } from '../http.ts'
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
/** MLflow 3 separates model training from language models. Without this tag it guesses from the content. */
const EXPERIMENT_KIND = { key: 'mlflow.experimentKind', value: 'custom_model_development' }
const STATUS: Record<ExperimentEnd['state'], string> = { succeeded: 'FINISHED', failed: 'FAILED', cancelled: 'KILLED' }

/** Creates a run in an MLflow tracking server for each attempt, through its REST API 2.0. */
export function createMlflowAdapter(config: MlflowConfig): ObservabilityAdapter {
  return new MlflowAdapter(config)
}

class MlflowAdapter implements ObservabilityAdapter {
  readonly name = 'mlflow'
  readonly takes = { metrics: true, artifacts: true, lines: false }
  readonly #config: MlflowConfig
  readonly #origin: string
  readonly #headers: Record<string, string>
  #experimentId: string | undefined

  constructor(config: MlflowConfig) {
    this.#config = config
    this.#origin = config.trackingUri.replace(/\/+$/, '')
    this.#headers = authorization(config)
  }

  async start(info: ExperimentInfo, signal: AbortSignal): Promise<Handle> {
    this.#experimentId ??= await this.#findOrCreateExperiment(signal)
    const experimentId = this.#experimentId
    const runId =
      (await this.#findRun(experimentId, info, signal)) ?? (await this.#createRun(experimentId, info, signal))
    return { experimentId, runId }
  }

  async logParams({ runId }: Handle, info: ExperimentInfo, signal: AbortSignal): Promise<undefined> {
    const params = Object.entries(info.params).map(([key, value]) => ({
      key: mlflowName(key),
      value: String(value).slice(0, MLFLOW_LIMITS.paramLength),
    }))
    for (const batch of batches(params, MLFLOW_LIMITS.params))
      await this.#post('runs/log-batch', { run_id: runId, params: batch }, signal)
  }

  async logMetrics({ runId }: Handle, points: readonly Point[], signal: AbortSignal): Promise<undefined> {
    const metrics = points.map((point) => ({
      key: mlflowName(point.name),
      value: mlflowNumber(point.value),
      timestamp: point.time.getTime(),
      step: point.step,
    }))
    for (const batch of batches(metrics, MLFLOW_LIMITS.metrics))
      await this.#post('runs/log-batch', { run_id: runId, metrics: batch }, signal)
  }

  async logArtifact(handle: Handle, artifact: ArtifactInfo, signal: AbortSignal): Promise<undefined> {
    if (artifact.sizeBytes <= this.#config.maxUploadBytes) return await this.#upload(handle, artifact, signal)
    const key = mlflowName(`trainyard.artifact.${artifact.name}`)
    const value = `${artifact.url} (${artifact.sizeBytes} bytes, sha256 ${artifact.sha256})`
    await this.#post('runs/set-tag', { run_id: handle.runId, key, value }, signal)
  }

  async logLines(): Promise<undefined> {}

  async finish({ runId }: Handle, end: ExperimentEnd, _info: ExperimentInfo, signal: AbortSignal): Promise<undefined> {
    const tags = tagList({ 'trainyard.end_reason': end.reason, 'trainyard.error': end.message })
    await this.#post('runs/log-batch', { run_id: runId, tags }, signal)
    const status = STATUS[end.state]
    await this.#post('runs/update', { run_id: runId, status, end_time: end.finishedAt.getTime() }, signal)
  }

  /** The workflow type is in the URL because MLflow would show the page for language models otherwise. */
  link({ experimentId, runId }: Handle): string {
    const origin = (this.#config.uiUrl ?? this.#origin).replace(/\/+$/, '')
    return `${origin}/#/experiments/${experimentId}/runs/${runId}?workflowType=machine_learning`
  }

  async #findOrCreateExperiment(signal: AbortSignal): Promise<string> {
    try {
      return await this.#findExperiment(signal)
    } catch (error) {
      if (!isCode(error, 'RESOURCE_DOES_NOT_EXIST')) throw error
    }
    const json = { name: this.#config.experiment, tags: [EXPERIMENT_KIND] }
    try {
      const created = await this.#request('experiments/create', CreatedExperiment, signal, json)
      return created.experiment_id
    } catch (error) {
      // Another replica created it first.
      if (isCode(error, 'RESOURCE_ALREADY_EXISTS')) return await this.#findExperiment(signal)
      throw error
    }
  }

  async #findExperiment(signal: AbortSignal): Promise<string> {
    const name = this.#config.experiment
    const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`
    const { experiment } = await this.#request(path, Experiment, signal)
    if (experiment.lifecycle_stage === 'deleted')
      throw new Error(
        `MLFLOW_EXPERIMENT_NAME is "${name}", an experiment that was deleted in MLflow: restore it, or set another name`,
      )
    return experiment.experiment_id
  }

  async #findRun(experimentId: string, info: ExperimentInfo, signal: AbortSignal): Promise<string | undefined> {
    const filter = `tags.\`${KEY_TAG}\` = '${info.key}'`
    const query = { experiment_ids: [experimentId], filter, max_results: 1 }
    try {
      const { runs } = await this.#request('runs/search', FoundRuns, signal, query)
      return runs[0]?.info.run_id
    } catch (error) {
      // The experiment may have been deleted and created again.
      this.#experimentId = undefined
      throw error
    }
  }

  async #createRun(experimentId: string, info: ExperimentInfo, signal: AbortSignal): Promise<string> {
    const { run } = await this.#request('runs/create', CreatedRun, signal, {
      experiment_id: experimentId,
      run_name: info.attempt === 1 ? info.name : `${info.name} (attempt ${info.attempt})`,
      start_time: (info.launchedAt ?? info.createdAt).getTime(),
      tags: tagsOf(info),
    })
    return run.info.run_id
  }

  async #upload({ experimentId, runId }: Handle, artifact: ArtifactInfo, signal: AbortSignal): Promise<undefined> {
    const path = `${artifact.kind}/${artifact.name}`.split('/').map(encodeURIComponent).join('/')
    const url = `${this.#origin}/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${runId}/artifacts/${path}`
    const body = await artifact.read().catch((error: unknown) => {
      throw new BackendRefused(`${artifact.name} cannot be read`, { cause: error })
    })
    const headers = { 'content-type': 'application/octet-stream', ...this.#headers }
    await requestText(url, { method: 'PUT', headers, body, signal }).catch(rethrow)
  }

  async #post(path: string, json: unknown, signal: AbortSignal): Promise<void> {
    await this.#request(path, Anything, signal, json).catch(rethrow)
  }

  async #request<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, json?: unknown) {
    return await requestJson(`${this.#origin}/api/2.0/mlflow/${path}`, schema, {
      method: json === undefined ? 'GET' : 'POST',
      headers: this.#headers,
      signal,
      json,
    })
  }
}

function tagsOf(info: ExperimentInfo): { key: string; value: string }[] {
  return tagList({
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
  })
}

/** The tags that have a value, cut to MLflow's limit. */
function tagList(tags: Readonly<Record<string, string | undefined>>): { key: string; value: string }[] {
  return Object.entries(tags).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: value.slice(0, MLFLOW_LIMITS.tagLength) }],
  )
}

function* batches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof BackendError && error.body.includes(`"${code}"`)
}
