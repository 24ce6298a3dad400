import { z } from 'zod'
import type {
  ArtifactInfo,
  ExperimentEnd,
  ExperimentInfo,
  Handle,
  Line,
  ObservabilityAdapter,
  Point,
} from '../adapter.ts'
import { Anything } from '../http.ts'
import { ClearmlClient } from './client.ts'
import type { ClearmlConfig } from './config.ts'

const Id = z.object({ id: z.string() })
const Projects = z.object({ projects: z.array(Id).default([]) })
const Tasks = z.object({ tasks: z.array(Id).default([]) })

const TASK_TYPES: Readonly<Record<string, string>> = { train: 'training', predict: 'inference' }
const END_METHODS: Readonly<Record<ExperimentEnd['state'], string>> = {
  succeeded: 'tasks.completed',
  failed: 'tasks.failed',
  cancelled: 'tasks.stopped',
}
const MAX_MESSAGE_CHARS = 1000

/**
 * Creates a ClearML task for each attempt, through API 2.23. The requests are tested against the schemas of ClearML's own
 * client, but not with a real server.
 */
export function createClearmlAdapter(config: ClearmlConfig): ObservabilityAdapter {
  return new ClearmlAdapter(config)
}

class ClearmlAdapter implements ObservabilityAdapter {
  readonly name = 'clearml'
  readonly takes = { metrics: true, artifacts: true, lines: true }
  readonly #config: ClearmlConfig
  readonly #client: ClearmlClient
  #projectId: string | undefined

  constructor(config: ClearmlConfig) {
    this.#config = config
    this.#client = new ClearmlClient(config)
  }

  async start(info: ExperimentInfo, signal: AbortSignal): Promise<Handle> {
    this.#projectId ??= await this.#findProject(signal)
    const project = this.#projectId
    const query = { project: [project], tags: [info.key], only_fields: ['id'], page: 0, page_size: 1 }
    const { tasks } = await this.#client.call('tasks.get_all', query, Tasks, signal)
    const task = tasks[0] ?? (await this.#createTask(project, info, signal))
    await this.#client.call('tasks.started', { task: task.id, force: true }, Anything, signal)
    return { task: task.id, project }
  }

  async logParams({ task }: Handle, info: ExperimentInfo, signal: AbortSignal): Promise<undefined> {
    const params = { ...info.params, trainer: `${info.trainer.name}@${info.trainer.version}`, model: info.model }
    const hyperparams = Object.entries(params).map(([name, value]) => ({
      section: 'Args',
      name,
      value: String(value),
    }))
    const body = { task, hyperparams, replace_hyperparams: 'section', force: true }
    await this.#client.call('tasks.edit_hyper_params', body, Anything, signal)
  }

  async logMetrics({ task }: Handle, points: readonly Point[], signal: AbortSignal): Promise<undefined> {
    // ClearML stores them in Elasticsearch, which has no NaN and no infinities.
    const events = points
      .filter((point) => Number.isFinite(point.value))
      .map((point) => ({
        type: 'training_stats_scalar',
        task,
        metric: groupOf(point.name),
        variant: point.name,
        iter: point.step,
        value: point.value,
        timestamp: point.time.getTime(),
      }))
    if (events.length > 0) await this.#client.addEvents(events, signal)
  }

  async logArtifact({ task }: Handle, artifact: ArtifactInfo, signal: AbortSignal): Promise<undefined> {
    const entry = {
      key: artifact.name,
      type: artifact.kind,
      mode: 'output',
      uri: artifact.url,
      hash: artifact.sha256,
      content_size: artifact.sizeBytes,
      timestamp: Math.floor(artifact.createdAt.getTime() / 1000),
      type_data: { content_type: artifact.contentType },
    }
    const body = { task, artifacts: [entry], force: true }
    await this.#client.call('tasks.add_or_update_artifacts', body, Anything, signal)
  }

  async logLines(
    { task }: Handle,
    lines: readonly Line[],
    _info: ExperimentInfo,
    signal: AbortSignal,
  ): Promise<undefined> {
    const events = lines.map((line) => ({
      type: 'log',
      task,
      level: line.level,
      worker: 'trainyard',
      msg: line.message,
      timestamp: line.time.getTime(),
    }))
    await this.#client.addEvents(events, signal)
  }

  async finish({ task }: Handle, end: ExperimentEnd, _info: ExperimentInfo, signal: AbortSignal): Promise<undefined> {
    const status_message = end.message?.slice(0, MAX_MESSAGE_CHARS)
    const body = { task, force: true, status_reason: end.reason, status_message }
    await this.#client.call(END_METHODS[end.state], body, Anything, signal)
  }

  link({ project, task }: Handle): string | undefined {
    const { webHost } = this.#config
    return webHost && `${webHost.replace(/\/+$/, '')}/projects/${project}/experiments/${task}/output/execution`
  }

  async #findProject(signal: AbortSignal): Promise<string> {
    const { project } = this.#config
    const name = `^${project.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`
    const { projects } = await this.#client.call('projects.get_all', { name, only_fields: ['id'] }, Projects, signal)
    if (projects[0] !== undefined) return projects[0].id
    const body = { name: project, description: 'Jobs of Trainyard' }
    return (await this.#client.call('projects.create', body, Id, signal)).id
  }

  async #createTask(project: string, info: ExperimentInfo, signal: AbortSignal): Promise<z.infer<typeof Id>> {
    const body = {
      name: info.attempt === 1 ? info.name : `${info.name} (attempt ${info.attempt})`,
      type: TASK_TYPES[info.operation] ?? 'data_processing',
      project,
      tags: [info.key, info.trainer.name],
      comment: info.jobUrl,
    }
    return await this.#client.call('tasks.create', body, Id, signal)
  }
}

/** The part of a name before "/". As with TensorBoard, ClearML draws all metrics of a group in one chart. */
function groupOf(name: string): string {
  const at = name.indexOf('/')
  return at > 0 ? name.slice(0, at) : name
}
