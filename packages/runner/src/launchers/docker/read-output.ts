import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Output, OutputPosition } from '../launcher.ts'
import { FrameReader } from './output-frames.ts'

/** How much of the log one call reads. */
const MAX_BYTES = 8 * 1024 ** 2

/** The lines after a position. Positions are nanoseconds after the container's creation. */
export async function readOutput(
  docker: Docker,
  container: { id: string; createdAt: bigint },
  from: OutputPosition,
  final: boolean,
): Promise<Output> {
  const { id, createdAt } = container
  const reader = new FrameReader(from, createdAt)
  const stream = await openLog(docker, id, sinceOf(createdAt, Math.min(from.stdout, from.stderr)))
  let bytes = 0
  for await (const chunk of stream) {
    reader.push(chunk)
    bytes += chunk.length
    // Returning closes the stream. Bytes that yield no new line do not end the call.
    if (bytes > MAX_BYTES && reader.lines.length > 0) return reader.finish(false)
  }
  return reader.finish(final)
}

/** The engine's `since` parameter: seconds, a dot, nanoseconds. The log starts at exactly that time. */
function sinceOf(createdAt: bigint, position: number): string {
  if (position <= 0) return '0'
  const at = createdAt + BigInt(Math.floor(position))
  return `${at / 1_000_000_000n}.${String(at % 1_000_000_000n).padStart(9, '0')}`
}

/** Opens the log as a stream. Dockerode's own method buffers the whole log. */
function openLog(docker: Docker, id: string, since: string): Promise<AsyncIterable<Buffer>> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${id}/logs?`,
        method: 'GET',
        isStream: true,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
        options: { stdout: true, stderr: true, timestamps: true, follow: false, since },
      },
      (error: unknown, stream: unknown) => {
        if (error) reject(error)
        else resolve(stream as Readable)
      },
    )
  })
}
