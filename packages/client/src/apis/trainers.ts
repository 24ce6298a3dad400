import {
  type DatasetFormat,
  DeprecateVersionRequest,
  type ExportFormat,
  type PartKind,
  ResolvedTrainer,
  Sbom,
  SetChannelRequest,
  type TaskType,
  Trainer,
  TrainerList,
  TrainerUsage,
  TrainerVersion,
  type TrustTier,
  YankVersionRequest,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

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
    /** How far the latest version was checked. */
    tier?: TrustTier | undefined
    /** Default: relevance, which is the most popular first without search terms. */
    sort?: 'relevance' | 'popular' | 'newest' | 'name' | undefined
    cursor?: string | undefined
    limit?: number | undefined
  }): Promise<TrainerList>
  /** One trainer. `name` is "namespace/name". */
  get(name: string): Promise<Trainer>
  /** One version with its findings. Throws `TrainyardApiError` if it does not exist. */
  version(name: string, version: string): Promise<TrainerVersion>
  /** The packages of a version, as a CycloneDX document. `part`: by default the image, or else the bundle. */
  sbom(name: string, version: string, part?: PartKind): Promise<Sbom>
  /** A picture that the README of a version shows: one of its `readmePictures`. */
  readmePicture(name: string, version: string, path: string): Promise<Uint8Array<ArrayBuffer>>
  /** The newest published version in a range such as "^1.2". Default: the latest version. */
  resolve(name: string, range?: string): Promise<ResolvedTrainer>
  /** Pulls by day and by version. For members of the trainer's organisation. */
  usage(name: string, days?: number): Promise<TrainerUsage>
  /** Points a channel such as "next" to a version. */
  setChannel(name: string, request: SetChannelRequest): Promise<void>
  removeChannel(name: string, channel: string): Promise<void>
  /** Marks a version as one that should not be used any more. It can still be pulled, with a warning. */
  deprecate(name: string, version: string, request: DeprecateVersionRequest): Promise<void>
  undeprecate(name: string, version: string): Promise<void>
  /** Hides a version from ranges, tags and channels. Pulls by digest go on. */
  yank(name: string, version: string, request: YankVersionRequest): Promise<void>
  unyank(name: string, version: string): Promise<void>
}

export function createTrainersClient(connect: Connect): TrainersClient {
  return {
    list: (query) => fetchJson(connect, TrainerList, { path: '/v1/trainers', query }),
    get: (name) => fetchJson(connect, Trainer, { path: trainerPath(name) }),
    version: (name, version) => fetchJson(connect, TrainerVersion, { path: versionPath(name, version) }),
    sbom: (name, version, part) =>
      fetchJson(connect, Sbom, { path: `${versionPath(name, version)}/sbom`, query: { part } }),
    async readmePicture(name, version, path) {
      const response = await send(connect(), { path: `${versionPath(name, version)}/readme-picture`, query: { path } })
      return new Uint8Array(await response.arrayBuffer())
    },
    resolve: (name, range) =>
      fetchJson(connect, ResolvedTrainer, { path: `${trainerPath(name)}/resolve`, query: { range } }),
    usage: (name, days) => fetchJson(connect, TrainerUsage, { path: `${trainerPath(name)}/usage`, query: { days } }),
    async setChannel(name, request) {
      const json = SetChannelRequest.parse(request)
      await send(connect(), { method: 'POST', path: `${trainerPath(name)}/channels`, json })
    },
    async removeChannel(name, channel) {
      const path = `${trainerPath(name)}/channels/${encodeURIComponent(channel)}`
      await send(connect(), { method: 'DELETE', path })
    },
    async deprecate(name, version, request) {
      const json = DeprecateVersionRequest.parse(request)
      await send(connect(), { method: 'POST', path: `${versionPath(name, version)}/deprecate`, json })
    },
    async undeprecate(name, version) {
      await send(connect(), { method: 'DELETE', path: `${versionPath(name, version)}/deprecate` })
    },
    async yank(name, version, request) {
      const json = YankVersionRequest.parse(request)
      await send(connect(), { method: 'POST', path: `${versionPath(name, version)}/yank`, json })
    },
    async unyank(name, version) {
      await send(connect(), { method: 'DELETE', path: `${versionPath(name, version)}/yank` })
    },
  }
}

/** Escapes namespace and name, not the slash between them. */
function trainerPath(name: string): string {
  return `/v1/trainers/${name.split('/').map(encodeURIComponent).join('/')}`
}

function versionPath(name: string, version: string): string {
  return `${trainerPath(name)}/versions/${encodeURIComponent(version)}`
}
