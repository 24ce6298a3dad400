import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { maskedCrc32c } from '../tensorboard/masked-crc32c.ts'

export interface Scalar {
  name: string
  step: number
  value: number
  timeMs: number
}

/**
 * Reads the scalars of a folder of event files without TensorBoard.
 *
 * @throws Error for an incomplete record
 */
export async function readEventFiles(dir: string): Promise<Scalar[]> {
  const files = (await readdir(dir)).filter((name) => name.includes('tfevents')).sort()
  const records = await Promise.all(files.map(async (name) => readRecords(await readFile(join(dir, name)))))
  return records.flat().flatMap((data) => scalarOf(data) ?? [])
}

function readRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    const data = bytes.subarray(at + 12, at + 12 + length)
    const isComplete = bytes.readUInt32LE(at + 12 + length) === maskedCrc32c(data)
    if (!isComplete || bytes.readUInt32LE(at + 8) !== maskedCrc32c(bytes.subarray(at, at + 8)))
      throw new Error(`the record at byte ${at} is incomplete`)
    records.push(data)
    at += 16 + length
  }
  return records
}

/** The field numbers are those in `tensorboard/events.ts`. */
function scalarOf(data: Buffer): Scalar | undefined {
  const event = fieldsOf(data)
  const summary = event.get(5)
  const value = summary === undefined ? undefined : fieldsOf(fieldsOf(summary).get(1) ?? Buffer.alloc(0))
  const simple = value?.get(2)
  if (value === undefined || simple === undefined) return undefined
  return {
    name: value.get(1)?.toString() ?? '',
    step: Number(event.get(2)?.readBigUInt64LE() ?? 0n),
    value: simple.readFloatLE(),
    timeMs: Math.round((event.get(1)?.readDoubleLE() ?? 0) * 1000),
  }
}

/** The last value of each field of a message. A varint is returned as eight bytes. */
function fieldsOf(data: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < data.length) {
    const tag = Number(varint())
    const kind = tag & 7
    if (kind === 0) {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(varint())
      fields.set(tag >> 3, bytes)
      continue
    }
    const length = kind === 1 ? 8 : kind === 5 ? 4 : Number(varint())
    fields.set(tag >> 3, data.subarray(at, at + length))
    at += length
  }
  return fields
}
