import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  invalidRequest,
  newTraceId,
  problemResponse,
  requireReadableUrl,
  TrainyardError,
  type UpgradeHandler,
} from '@trainyard/platform'
import { type WebSocket, WebSocketServer } from 'ws'
import { authorise } from '../auth/authorise.ts'
import { requireJob } from '../auth/require.ts'
import type { RunnerContext } from '../context.ts'
import { JobParams } from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'
import { parseCursor } from './cursor.ts'
import type { LiveFeeds } from './feeds.ts'
import { LIVE_BUFFER_BYTES } from './stream-job.ts'
import type { LiveSink, StreamEnd, Viewer } from './viewer.ts'
import { type WatchAccessOptions, watchAccess } from './watch-access.ts'

export interface LiveSocketsOptions {
  /** Interval of pings. A client that has not answered before the next one is disconnected. Default: 15,000. */
  heartbeatMs?: number | undefined
  /** A reader that takes nothing for this long is disconnected. Default: 30,000. */
  slowConsumerMs?: number | undefined
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4: 1000 done, 1001 going away, 1008 policy, 1011 failure, 1013 try again later. */
const CLOSES: Readonly<Record<StreamEnd, [code: number, reason: string]>> = {
  over: [1000, 'the job has ended'],
  gone: [1000, 'the job was deleted'],
  denied: [1008, 'access has ended'],
  slow: [1013, 'too slow; reconnect with the last id'],
  failed: [1011, 'internal error'],
  stopping: [1001, 'the server is stopping; reconnect with the last id'],
}

/**
 * `GET /v1/jobs/{id}/live` over WebSocket: the messages of the server-sent events as JSON. The last message of an update also
 * has an `id`; `?lastEventId=` resumes after it. Messages from the client are ignored.
 */
export function createLiveSockets(
  context: RunnerContext,
  feeds: LiveFeeds,
  { heartbeatMs = 15_000, slowConsumerMs = 30_000 }: LiveSocketsOptions = {},
): UpgradeHandler {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 4096,
    perMessageDeflate: false,
    clientTracking: false,
  })
  return (request, socket, head) => {
    open(request, socket, head).catch((error: unknown) => {
      const known = error instanceof TrainyardError
      if (!known) context.logger.error({ err: error }, 'a live socket could not be opened')
      void refuse(socket, known ? error : new TrainyardError('internal', 'Internal server error'))
    })
  }

  async function open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    requireReadableUrl(request.url ?? '/')
    const url = urlOf(request)
    const id = /^\/v1\/jobs\/([^/]+)\/live$/.exec(url.pathname)?.[1]
    if (id === undefined) throw new TrainyardError('not_found', `There is no WebSocket at ${url.pathname}`)
    const jobId = parseBody(JobParams, { id }).id
    const requestHead = { method: 'GET', url: url.href, headers: headersOf(request) }
    const caller = await authorise(context, requestHead)
    await requireJob(context, caller, jobId, 'jobs:read')
    const lastEventId = url.searchParams.get('lastEventId') ?? request.headers['last-event-id']
    server.handleUpgrade(request, socket, head, (client) =>
      show(client, String(lastEventId ?? ''), { request: requestHead, jobId, expiresAt: caller.expiresAt }),
    )
  }

  function show(client: WebSocket, lastEventId: string, access: WatchAccessOptions): void {
    let isAlive = true
    let viewer: Viewer | undefined
    const sink: LiveSink = {
      write: ({ json, id }) =>
        client.send(id === undefined ? json : `{"id":"${id}",${json.slice(1)}`, () => {
          if (client.bufferedAmount === 0) viewer?.drained()
        }),
      bufferedBytes: () => client.bufferedAmount,
      sendHeartbeat() {
        if (!isAlive) return client.terminate()
        isAlive = false
        client.ping()
      },
      end(reason) {
        client.close(...CLOSES[reason])
        // A reader that takes nothing does not take the close frame either.
        if (reason === 'slow') setTimeout(() => client.terminate(), 1000).unref()
      },
    }
    client.on('pong', () => {
      isAlive = true
    })
    client.on('close', () => viewer?.leave())
    client.on('error', () => client.terminate())
    const cursor = parseCursor(lastEventId)
    viewer = feeds.watch(access.jobId, {
      sink,
      cursor,
      heartbeatMs,
      slowConsumerMs,
      bufferBytes: LIVE_BUFFER_BYTES,
      watchAccess: (deny) => watchAccess(context, access, deny),
    })
  }
}

function urlOf({ url = '/', headers }: IncomingMessage): URL {
  const address = `http://${headers.host ?? 'localhost'}${url.startsWith('/') ? url : '/'}`
  if (!URL.canParse(address)) throw invalidRequest([{ path: 'header.host', detail: 'must be a host name' }])
  return new URL(address)
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one)
  return headers
}

/** Responds with the problem document of a plain request. */
async function refuse(socket: Duplex, error: TrainyardError): Promise<void> {
  const response = problemResponse(error, newTraceId())
  const body = Buffer.from(await response.arrayBuffer())
  const lines = [`HTTP/1.1 ${response.status} ${error.code}`, 'Connection: close', `Content-Length: ${body.length}`]
  response.headers.forEach((value, name) => {
    lines.push(`${name}: ${value}`)
  })
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]))
}
