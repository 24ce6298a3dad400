import {
  Appeal,
  AppealList,
  Check,
  CheckMessage,
  type CreateAppealRequest,
  type DecideAppealRequest,
  PushList,
  RescanStatus,
  type StartRescanRequest,
  type SuppressFindingRequest,
  type VersionState,
} from '@trainyard/contract'
import type { z } from 'zod'
import type { Connect } from '../http/connection.ts'
import { follow } from '../http/follow.ts'
import { fetchJson, parseMessage } from '../http/request.ts'

/** Acceptance checks of pushed trainers. */
export interface ChecksClient {
  /** One check with its findings. Throws `TrainyardApiError` if it does not exist. */
  get(id: string): Promise<Check>
  /** Yields the whole check after each change, until its verdict. */
  live(id: string, options?: { signal?: AbortSignal | undefined }): AsyncIterable<Check>
  /** One page of the pushes to your namespaces, newest first. */
  pushes(query?: ListPushesQuery): Promise<PushList>
  /** Runs the checks again, of a version that was rejected or that waits after an error. */
  retry(id: string): Promise<Check>
  /** Suppresses a finding with a reason that everybody can read. A rejected version is checked again. */
  suppress(id: string, request: SuppressFindingRequest): Promise<Check>
  /** Ends the suppression of a finding. It counts again for the next push. */
  unsuppress(id: string, fingerprint: string): Promise<Check>
  /** Asks a moderator to publish a rejected version. */
  appeal(id: string, request: CreateAppealRequest): Promise<Check>
  /** The appeals in a state, oldest first. For operators. */
  appeals(state?: Appeal['state']): Promise<Appeal[]>
  /** Decides an appeal. For operators. */
  decide(appealId: string, verb: 'approve' | 'refuse', request: DecideAppealRequest): Promise<Appeal>
  /** How far published versions were scanned again. For operators. */
  rescans(): Promise<RescanStatus>
  /** Has published versions scanned again: by every scanner, or by that of one check. For operators. */
  rescan(request?: StartRescanRequest): Promise<RescanStatus>
}

export interface ListPushesQuery {
  state?: VersionState | undefined
  cursor?: string | undefined
  limit?: number | undefined
}

const MESSAGE_TYPES: ReadonlySet<string> = new Set([CheckMessage.shape.type.value])
const UNDECIDED: readonly VersionState[] = ['received', 'checking']

export function createChecksClient(connect: Connect): ChecksClient {
  const pathOf = (id: string) => `/v1/checks/${encodeURIComponent(id)}`
  const post = <T>(schema: z.ZodType<T>, path: string, json?: unknown) =>
    fetchJson(connect, schema, { method: 'POST', path, json })
  return {
    pushes: ({ state, cursor, limit } = {}) =>
      fetchJson(connect, PushList, { path: '/v1/pushes', query: { state, cursor, limit } }),
    retry: (id) => post(Check, `${pathOf(id)}/retry`),
    suppress: (id, request) => post(Check, `${pathOf(id)}/suppressions`, request),
    unsuppress: (id, fingerprint) =>
      fetchJson(connect, Check, {
        method: 'DELETE',
        path: `${pathOf(id)}/suppressions/${encodeURIComponent(fingerprint)}`,
      }),
    appeal: (id, request) => post(Check, `${pathOf(id)}/appeal`, request),
    appeals: async (state = 'open') =>
      (await fetchJson(connect, AppealList, { path: '/v1/appeals', query: { state } })).appeals,
    decide: (appealId, verb, request) => post(Appeal, `/v1/appeals/${encodeURIComponent(appealId)}/${verb}`, request),
    rescans: () => fetchJson(connect, RescanStatus, { path: '/v1/rescans' }),
    rescan: (request = {}) => post(RescanStatus, '/v1/rescans', request),
    get: (id) => fetchJson(connect, Check, { path: pathOf(id) }),
    live: (id, { signal } = {}) =>
      follow<Check>(connect, {
        path: `/v1/checks/${encodeURIComponent(id)}/live`,
        signal,
        parse: ({ data }) => parseMessage(CheckMessage, MESSAGE_TYPES, data, `GET /v1/checks/${id}/live`)?.check,
        isLast: (check) => !UNDECIDED.includes(check.state),
      }),
  }
}
