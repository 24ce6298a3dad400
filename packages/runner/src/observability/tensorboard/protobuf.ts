/** The parts of protobuf's wire format that event files use. https://protobuf.dev/programming-guides/encoding/ */
type Part = Uint8Array

export function message(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts))
}

export function doubleField(field: number, value: number): Part {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return message(varint((field << 3) | 1), bytes)
}

export function floatField(field: number, value: number): Part {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return message(varint((field << 3) | 5), bytes)
}

export function intField(field: number, value: number): Part {
  return message(varint(field << 3), varint(value))
}

/** Text, bytes or a nested message. */
export function bytesField(field: number, value: string | Uint8Array): Part {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return message(varint((field << 3) | 2), varint(bytes.length), bytes)
}

function varint(value: number): Part {
  const bytes: number[] = []
  let rest = BigInt(value)
  if (rest < 0n) rest += 1n << 64n
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 0x80 : low)
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}
