import { maskedCrc32c } from './masked-crc32c.ts'

/** TFRecord format: length, its checksum, data, its checksum. https://www.tensorflow.org/tutorials/load_data/tfrecord */
export function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length + 4)
  bytes.writeBigUInt64LE(BigInt(data.length), 0)
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8)
  bytes.set(data, 12)
  bytes.writeUInt32LE(maskedCrc32c(data), 12 + data.length)
  return bytes
}
