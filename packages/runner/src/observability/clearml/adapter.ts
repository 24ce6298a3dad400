import { z } from 'zod'
import type { ObservabilityAdapter } from '../adapter.ts'
import { Anything } from '../http.ts'
import { createClearmlClient } from './client.ts'
import type { ClearmlConfig } from './config.ts'

const Id = z.object({ id: z.string() })
const Projects = z.object({ projects: z.array(Id).default([]) })
const Tasks = z.object({ tasks: z.array(Id).default([]) })

/**
 * A task of ClearML for each attempt, through its API 2.23. The requests are held against the schemas of ClearML's own
 * client; no server has been met.
 */
export function createClearmlAdapter(config: ClearmlConfig): ObservabilityAdapter {
  const client = createClearmlClient(config)
  let projectId: string | undefined

  const findProject = async (signal: AbortSignal): Promise<string> => {
    const name = `^${config.project.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`
    const { projects } = await client.call('projects.get_all', { name, only_fields: ['id'] }, Projects, signal)
    if (projects[0] !== undefined) return projects[0].id
    const project = { name: config.project, description: 'Jobs of Trainyard' }
    return (await client.call('projects.create', project, Id, signal)).id
  }

  return {
    name: 'clearml',
    takes: { metrics: true, artifacts: true, lines: true },
    async start(info, signal) {
      projectId ??= await findProject(signal)
      const known = { project: [projectId], tags: [info.key], only_fields: ['id'], page: 0, page_size: 1 }
      const { tasks } = await client.call('tasks.get_all', known, Tasks, signal)
      const task =
        tasks[0] ??
        (await client.call(
          'tasks.create',
          {
            name: info.attempt === 1 ? info.name : `${info.name} (attempt ${info.attempt})`,
            type:
              info.operation === 'train' ? 'training' : info.operation === 'predict' ? 'inference' : 'data_processing',
            project: projectId,
            tags: [info.key, info.trainer.name],
            comment: info.jobUrl,
          },
          Id,
          signal,
        ))
      await client.call('tasks.started', { task: task.id, force: true }, Anything, signal)
      return { task: task.id, project: projectId }
    },
    async logParams({ task }, info, signal) {
      const about = { ...info.params, trainer: `${info.trainer.name}@${info.trainer.version}`, model: info.model }
      const hyperparams = Object.entries(about).map(([name, value]) => ({
        section: 'Args',
        name,
        value: String(value),
      }))
      const body = { task, hyperparams, replace_hyperparams: 'section', force: true }
      await client.call('tasks.edit_hyper_params', body, Anything, signal)
      return undefined
    },
    async logMetrics({ task }, points, signal) {
      // Elasticsearch, where ClearML keeps them, has no NaN and no infinities.
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
      if (events.length > 0) await client.addEvents(events, signal)
      return undefined
    },
    async logArtifact({ task }, artifact, signal) {
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
      await client.call('tasks.add_or_update_artifacts', { task, artifacts: [entry], force: true }, Anything, signal)
      return undefined
    },
    async logLines({ task }, lines, _info, signal) {
      const events = lines.map((line) => ({
        type: 'log',
        task,
        level: line.level,
        worker: 'trainyard',
        msg: line.message,
        timestamp: line.time.getTime(),
      }))
      await client.addEvents(events, signal)
      return undefined
    },
    async finish({ task }, end, _info, signal) {
      const method = { succeeded: 'tasks.completed', failed: 'tasks.failed', cancelled: 'tasks.stopped' }[end.state]
      const message = end.message === undefined ? {} : { status_message: end.message.slice(0, 1000) }
      await client.call(method, { task, force: true, status_reason: end.reason, ...message }, Anything, signal)
      return undefined
    },
    link: ({ project, task }) =>
      config.webHost === undefined
        ? undefined
        : `${config.webHost.replace(/\/+$/, '')}/projects/${project}/experiments/${task}/output/execution`,
  }
}

/** Names with a path are drawn in one chart a folder, as ClearML does with those of TensorBoard. */
function groupOf(name: string): string {
  const at = name.indexOf('/')
  return at > 0 ? name.slice(0, at) : name
}
