const BLOCK = 512
const CHECKSUM_START = 148
const CHECKSUM_END = 156

/** Whether bytes begin with the header of a tar archive, whose checksum fits. Text can be one. */
export function isTarHeader(head: Uint8Array): boolean {
  if (head.byteLength < BLOCK) return false
  const stored = Buffer.from(head.subarray(CHECKSUM_START, CHECKSUM_END)).toString('latin1')
  const text = /^[ \0]*([0-7]+)[ \0]*$/.exec(stored)?.[1]
  if (text === undefined) return false
  const sum = head
    .subarray(0, BLOCK)
    .reduce((total, byte, index) => total + (index >= CHECKSUM_START && index < CHECKSUM_END ? 0x20 : byte), 0)
  return Number.parseInt(text, 8) === sum
}
