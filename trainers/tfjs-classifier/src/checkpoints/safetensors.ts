import { z } from 'zod'

/** Numbers by name, with their shapes. */
export interface NamedTensor {
  name: string
  shape: number[]
  values: Float32Array
}

export interface SafetensorsFile {
  tensors: NamedTensor[]
  metadata: Record<string, string>
}

const Entry = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
})

/** Longest accepted header. The format's own limit is 100 MB; ours have a few kilobytes. */
const MAX_HEADER_BYTES = 10_000_000

/** Writes the safetensors format: a length, a JSON header, the numbers (little-endian). Same input, same bytes. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let offset = 0
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] }
    offset += values.byteLength
  }
  const json = JSON.stringify(header)
  const length = Math.ceil(Buffer.byteLength(json) / 8) * 8
  const bytes = Buffer.alloc(8 + length + offset, ' ')
  bytes.writeBigUInt64LE(BigInt(length), 0)
  bytes.write(json, 8)
  let at = 8 + length
  for (const { values } of tensors) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += values.byteLength
  }
  return bytes
}

/** Reads what {@link encodeSafetensors} writes. Throws an `Error` that says what is wrong with it. */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  if (bytes.length < 8) throw new Error(`the file has ${bytes.length} bytes, too few for a header`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = Number(view.getBigUint64(0, true))
  if (length > MAX_HEADER_BYTES || 8 + length > bytes.length) throw new Error(`its header would have ${length} bytes`)
  const header = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))))
  const { __metadata__: metadata = {}, ...entries } = header
  const data = bytes.subarray(8 + length)
  const tensors = Object.entries(entries).map(([name, entry]): NamedTensor => {
    const { shape, data_offsets } = Entry.parse(entry)
    const [start, end] = data_offsets
    const expected = shape.reduce((size, side) => size * side, 1) * 4
    if (end - start !== expected || end > data.length) {
      throw new Error(
        `"${name}" needs ${expected} bytes, ${Math.max(0, Math.min(end, data.length) - start)} are available`,
      )
    }
    // Copied: the bytes of a file need not be aligned to four, and a Buffer's own slice would share its memory.
    return { name, shape, values: new Float32Array(new Uint8Array(data.subarray(start, end)).buffer) }
  })
  return { tensors, metadata: z.record(z.string(), z.string()).parse(metadata) }
}
