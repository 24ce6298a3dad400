import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Handle } from '../adapter.ts'
import { fileVersion } from './events.ts'
import { record } from './records.ts'

/** An event file, and how many of its bytes are known to be good. */
export interface EventFile extends Handle {
  dir: string
  file: string
  bytes: number
}

/** A new, empty one: its name is for TensorBoard to recognise, its number keeps files apart. */
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
 * Appends records after the last byte that is known to be good. What a crash left behind that, torn or whole, is
 * overwritten: the same records come again, and their bytes are the same. TensorBoard, which follows the file, never
 * sees a record twice.
 */
export async function appendRecords(at: EventFile, events: readonly Uint8Array[], time: Date): Promise<EventFile> {
  const size = await stat(join(at.dir, at.file)).then(
    (info) => info.size,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return -1
      throw error
    },
  )
  // Somebody deleted or cut it: what comes from now on goes into another file beside it.
  if (size < at.bytes) {
    const next = await createEventFile(at.dir, Number(at.file.split('.').at(-1)) + 1, time)
    return await appendRecords(next, events, time)
  }
  const data = Buffer.concat(events.map(record))
  const handle = await open(join(at.dir, at.file), 'r+')
  try {
    let written = 0
    while (written < data.length) {
      const result = await handle.write(data, written, data.length - written, at.bytes + written)
      written += result.bytesWritten
    }
    if (size > at.bytes + data.length) await handle.truncate(at.bytes + data.length)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  return { ...at, bytes: at.bytes + data.length }
}
