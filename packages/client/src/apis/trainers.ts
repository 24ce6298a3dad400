import {
  type DatasetFormat,
  type ExportFormat,
  ResolvedTrainer,
  type TaskType,
  Trainer,
  TrainerList,
  TrainerVersion,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson } from '../http/request.ts'

/** The trainers of a registry. */
export interface TrainersClient {
  /** One page of published trainers. */
  list(options?: {
    /** Search terms. */
    q?: string | undefined
    task?: TaskType | undefined
    framework?: string | undefined
    /** A format to which the trainer exports. */
    export?: ExportFormat | undefined
    /** A format of datasets that the trainer reads. */
    reads?: DatasetFormat | undefined
    license?: string | undefined
    /** Default: relevance, which is the most popular first without search terms. */
    sort?: 'relevance' | 'popular' | 'newest' | 'name' | undefined
    cursor?: string | undefined
    limit?: number | undefined
  }): Promise<TrainerList>
  /** One trainer. `name` is "namespace/name". */
  get(name: string): Promise<Trainer>
  /** One version with its findings. Throws `TrainyardApiError` if it does not exist. */
  version(name: string, version: string): Promise<TrainerVersion>
  /** The newest published version in a range such as "^1.2". Default: the latest version. */
  resolve(name: string, range?: string): Promise<ResolvedTrainer>
}

export function createTrainersClient(connect: Connect): TrainersClient {
  return {
    list: (query) => fetchJson(connect, TrainerList, { path: '/v1/trainers', query }),
    get: (name) => fetchJson(connect, Trainer, { path: trainerPath(name) }),
    version: (name, version) =>
      fetchJson(connect, TrainerVersion, { path: `${trainerPath(name)}/versions/${encodeURIComponent(version)}` }),
    resolve: (name, range) =>
      fetchJson(connect, ResolvedTrainer, { path: `${trainerPath(name)}/resolve`, query: { range } }),
  }
}

/** Escapes namespace and name, not the slash between them. */
function trainerPath(name: string): string {
  return `/v1/trainers/${name.split('/').map(encodeURIComponent).join('/')}`
}
