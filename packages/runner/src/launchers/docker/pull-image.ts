import type { RegistryCredentials } from './config.ts'
import type { EngineClient } from './engine-client.ts'
import { registryHost } from './registry-host.ts'

export interface PullImageOptions {
  credentials: Readonly<Record<string, RegistryCredentials>>
  /** Aborting it ends the pull. */
  signal: AbortSignal
  /** Receives the progress, as text for users. */
  onProgress(detail: string): void
}

/** Pulls an image by digest. */
export async function pullImage(docker: EngineClient, reference: string, options: PullImageOptions): Promise<void> {
  const { credentials, signal, onProgress } = options
  const host = registryHost(reference)
  const login = credentials[host]
  const auth = login && { ...login, serveraddress: host }
  const stream = await docker.createImage(auth, {
    // The tag field also accepts a digest. Without it the engine would pull every tag.
    fromImage: reference.slice(0, reference.lastIndexOf('@')),
    tag: reference.slice(reference.lastIndexOf('@') + 1),
    signal,
  })
  const layers = new Map<string, { done: number; total: number }>()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) readEvent(line, layers, onProgress)
  }
  readEvent(rest, layers, onProgress)
}

function readEvent(
  line: string,
  layers: Map<string, { done: number; total: number }>,
  onProgress: (detail: string) => void,
): void {
  if (line.trim() === '') return
  const event: {
    status?: string
    id?: string
    error?: string
    progressDetail?: { current?: number; total?: number }
  } = JSON.parse(line)
  // The engine responds with status 200 first and reports errors in the stream.
  if (event.error !== undefined) throw new Error(event.error)
  const { id, status, progressDetail: { current = 0, total = 0 } = {} } = event
  if (id === undefined || status !== 'Downloading') return
  layers.set(id, { done: current, total })
  const sum = [...layers.values()].reduce((a, b) => ({ done: a.done + b.done, total: a.total + b.total }))
  onProgress(`pulling the image: ${megabytes(sum.done)} of ${megabytes(sum.total)} MB`)
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6)
