import type { Output, OutputPosition } from '../launcher.ts'
import type { EngineClient } from './engine-client.ts'
import { FrameReader } from './output-frames.ts'

/** How much of the log one call reads. */
const MAX_BYTES = 8 * 1024 ** 2

/** The lines after a position. Positions are nanoseconds after the container's creation. */
export async function readOutput(
  docker: EngineClient,
  container: { id: string; createdAt: bigint },
  from: OutputPosition,
  final: boolean,
): Promise<Output> {
  const { id, createdAt } = container
  const reader = new FrameReader(from, createdAt)
  const since = sinceOf(createdAt, Math.min(from.stdout, from.stderr))
  const stream = await docker.getContainer(id).logs({ stdout: true, stderr: true, timestamps: true, since })
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
