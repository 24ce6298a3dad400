import { type FileHandle, open } from 'node:fs/promises'
import type { Output, OutputLine, OutputPosition } from '../launcher.ts'
import { finalText } from '../output-text.ts'
import type { AttemptFiles } from './spec.ts'

/** How much of a file one call reads. */
const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 0x0a

/** Reads the lines after a position. With `final`, includes a last line without a newline. */
export async function readOutput(
  files: Pick<AttemptFiles, 'stdout' | 'stderr'>,
  from: OutputPosition,
  final: boolean,
): Promise<Output> {
  const stdout = await readLines(files.stdout, 'stdout', from.stdout, final)
  const stderr = await readLines(files.stderr, 'stderr', from.stderr, final)
  return {
    lines: [...stdout.lines, ...stderr.lines],
    position: { stdout: stdout.position, stderr: stderr.position },
  }
}

async function readLines(
  file: string,
  source: OutputLine['source'],
  from: number,
  final: boolean,
): Promise<{ lines: OutputLine[]; position: number }> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch {
    return { lines: [], position: from }
  }
  try {
    const { size, mtime } = await handle.stat()
    // If the trainer truncated the file, everything in it is new.
    const start = size < from ? 0 : from
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size - start))
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, start)
    const chunk = buffer.subarray(0, bytesRead)
    const complete = chunk.lastIndexOf(NEWLINE) + 1
    const isAtEnd = start + bytesRead >= size
    // A line that is longer than a chunk is split. An incomplete line waits for its end, unless this is the final read.
    const taken = (final && isAtEnd) || (complete === 0 && bytesRead === CHUNK_BYTES) ? bytesRead : complete
    const lines = chunk
      .subarray(0, taken)
      .toString('utf8')
      .split('\n')
      .map(finalText)
      .filter((text) => text.trim() !== '')
      .map((text) => ({ source, text, time: mtime }))
    return { lines, position: start + taken }
  } finally {
    await handle.close()
  }
}
