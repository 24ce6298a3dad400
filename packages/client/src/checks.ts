import { Check, CheckMessage, type VersionState } from '@trainyard/contract'
import { type Connect, fetchJson, parseMessage } from './http.ts'
import { follow } from './server-sent-events.ts'

/** The acceptance of pushed trainers. */
export interface ChecksClient {
  /** One check with its findings. Throws `TrainyardApiError` when there is none. */
  get(id: string): Promise<Check>
  /** The whole check each time something changed, until there is a verdict. */
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
