import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { OutputLine, OutputPosition } from '../launcher.ts'
import { createFrameReader } from './output-frames.ts'

/** How much of the log one call takes in. */
const MAX_BYTES = 8 * 1024 ** 2

/** The lines after a position. What the engine has is in the position's terms: nanoseconds after the container was made. */
export async function readOutput(
  docker: Docker,
  container: { id: string; createdAt: bigint },
  from: OutputPosition,
  final: boolean,
): Promise<{ lines: OutputLine[]; position: OutputPosition }> {
  const { createdAt } = container
  const reader = createFrameReader(from, createdAt)
  const stream = await openLog(docker, container.id, since(createdAt, Math.min(from.stdout, from.stderr)))
  let bytes = 0
  for await (const chunk of stream) {
    reader.push(chunk)
    bytes += chunk.length
    // Leaving the loop closes the stream. What is known already counts little towards a call's measure.
    if (bytes > MAX_BYTES && reader.lines.length > 0) return { position: reader.finish(false), lines: reader.lines }
  }
  return { position: reader.finish(final), lines: reader.lines }
}

/** As the engine takes it: seconds, a dot, nanoseconds. What it gives begins with that very time. */
function since(createdAt: bigint, position: number): string {
  if (position <= 0) return '0'
  const at = createdAt + BigInt(Math.floor(position))
  return `${at / 1_000_000_000n}.${String(at % 1_000_000_000n).padStart(9, '0')}`
}

/** Dockerode gives the whole log at once; this one streams. */
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
