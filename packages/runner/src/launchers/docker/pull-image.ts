import type Docker from 'dockerode'
import type { RegistryCredentials } from './config.ts'

/** Pulls an image that is named by its digest. Aborting the signal ends it. */
export async function pullImage(
  docker: Docker,
  reference: string,
  options: {
    credentials: Readonly<Record<string, RegistryCredentials>>
    signal: AbortSignal
    /** How far it is, for people. */
    onProgress(detail: string): void
  },
): Promise<void> {
  const { credentials, signal, onProgress } = options
  const host = registryHost(reference)
  const login = credentials[host]
  const stream = await docker.createImage({
    // The tag field takes a digest too; with the name left whole the engine would pull every tag.
    fromImage: reference.slice(0, reference.lastIndexOf('@')),
    tag: reference.slice(reference.lastIndexOf('@') + 1),
    abortSignal: signal,
    ...(login === undefined ? {} : { authconfig: { ...login, serveraddress: host } }),
  })
  const layers = new Map<string, { done: number; total: number }>()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) read(line, layers, onProgress)
  }
  read(rest, layers, onProgress)
}

function read(
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
  // The engine answers 200 first and tells what went wrong in the stream.
  if (event.error !== undefined) throw new Error(event.error)
  const { id, status, progressDetail: { current = 0, total = 0 } = {} } = event
  if (id === undefined || status !== 'Downloading') return
  layers.set(id, { done: current, total })
  const sum = [...layers.values()].reduce((a, b) => ({ done: a.done + b.done, total: a.total + b.total }))
  onProgress(`the image is pulled: ${megabytes(sum.done)} of ${megabytes(sum.total)} MB`)
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6)

/** The part before the first slash, where it looks like a host; otherwise Docker's own. */
export function registryHost(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'index.docker.io'
}
