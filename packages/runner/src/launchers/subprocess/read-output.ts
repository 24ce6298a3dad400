import { type FileHandle, open } from 'node:fs/promises'
import type { OutputLine, OutputPosition } from '../launcher.ts'
import type { AttemptFiles } from './spec.ts'

/** How much of a file one call reads. */
const CHUNK_BYTES = 1024 * 1024
const MAX_LINE_LENGTH = 16_384
const NEWLINE = 0x0a

/** The lines that were written after a position. A line is only given once it is whole, unless this is the last call. */
export async function readOutput(
  files: Pick<AttemptFiles, 'stdout' | 'stderr'>,
  from: OutputPosition,
  final: boolean,
): Promise<{ lines: OutputLine[]; position: OutputPosition }> {
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
    // The trainer may have cut its own file; what is there now is new.
    const start = size < from ? 0 : from
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size - start))
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, start)
    const chunk = buffer.subarray(0, bytesRead)
    const whole = chunk.lastIndexOf(NEWLINE) + 1
    const atEnd = start + bytesRead >= size
    // A line longer than a chunk is cut; an unfinished one waits for its end, or is the last of all.
    const taken = (final && atEnd) || (whole === 0 && bytesRead === CHUNK_BYTES) ? bytesRead : whole
    const lines = chunk
      .subarray(0, taken)
      .toString('utf8')
      .split('\n')
      .map(lastState)
      .filter((text) => text.trim() !== '')
      .map((text) => ({ source, text: text.slice(0, MAX_LINE_LENGTH), time: mtime }))
    return { lines, position: start + taken }
  } finally {
    await handle.close()
  }
}

/** What a terminal would show: progress bars overwrite themselves with carriage returns. */
function lastState(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1)
}
