import { Check, CheckMessage, type VersionState } from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { follow } from '../http/follow.ts'
import { fetchJson, parseMessage } from '../http/request.ts'

/** Acceptance checks of pushed trainers. */
export interface ChecksClient {
  /** One check with its findings. Throws `TrainyardApiError` if it does not exist. */
  get(id: string): Promise<Check>
  /** Yields the whole check after each change, until its verdict. */
  live(id: string, options?: { signal?: AbortSignal | undefined }): AsyncIterable<Check>
}

const MESSAGE_TYPES: ReadonlySet<string> = new Set([CheckMessage.shape.type.value])
const UNDECIDED: readonly VersionState[] = ['received', 'checking']

export function createChecksClient(connect: Connect): ChecksClient {
  return {
    get: (id) => fetchJson(connect, Check, { path: `/v1/checks/${encodeURIComponent(id)}` }),
    live: (id, { signal } = {}) =>
      follow<Check>(connect, {
        path: `/v1/checks/${encodeURIComponent(id)}/live`,
        signal,
        parse: ({ data }) => parseMessage(CheckMessage, MESSAGE_TYPES, data, `GET /v1/checks/${id}/live`)?.check,
        isLast: (check) => !UNDECIDED.includes(check.state),
      }),
  }
}
