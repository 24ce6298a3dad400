import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Handle } from '../adapter.ts'
import { fileVersion } from './events.ts'
import { record } from './records.ts'

/** An event file, and how many of its bytes are known to be complete. */
export interface EventFile extends Handle {
  dir: string
  file: string
  bytes: number
}

/** Creates an empty event file. TensorBoard recognises its name, and the number makes the name unique. */
export async function createEventFile(dir: string, number: number, time: Date): Promise<EventFile> {
  await mkdir(dir, { recursive: true })
  const started = Math.floor(time.getTime() / 1000)
  const file = `events.out.tfevents.${String(started).padStart(10, '0')}.trainyard.${number}`
  const first = record(fileVersion(time))
  const handle = await open(join(dir, file), 'w')
  try {
    await handle.writeFile(first)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  return { dir, file, bytes: first.length }
}

/**
 * Appends records after the bytes that are known to be complete. What a crash left after them is overwritten: the same records
 * are repeated, and their bytes are the same. So TensorBoard, which reads the growing file, never sees a record twice.
 */
export async function appendRecords(file: EventFile, events: readonly Uint8Array[], time: Date): Promise<EventFile> {
  const size = await stat(join(file.dir, file.file)).then(
    (info) => info.size,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return -1
      throw error
    },
  )
  // The file was deleted or truncated. Continue in another file.
  if (size < file.bytes) {
    const next = await createEventFile(file.dir, Number(file.file.split('.').at(-1)) + 1, time)
    return await appendRecords(next, events, time)
  }
  const data = Buffer.concat(events.map(record))
  const handle = await open(join(file.dir, file.file), 'r+')
  try {
    let written = 0
    while (written < data.length) {
      const result = await handle.write(data, written, data.length - written, file.bytes + written)
      written += result.bytesWritten
    }
    if (size > file.bytes + data.length) await handle.truncate(file.bytes + data.length)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  return { ...file, bytes: file.bytes + data.length }
}
