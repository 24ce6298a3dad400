/** What each 16 bits begin with: the symbol in the high byte, its length in bits in the low one; 0 where there is no code. */
export type HuffmanTable = Uint16Array

/** From the number of codes of each length and their symbols; https://www.w3.org/Graphics/JPEG/itu-t81.pdf annex C. */
export function createHuffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const table = new Uint16Array(65_536)
  let [code, at] = [0, 0]
  for (let length = 1; length <= 16; length++) {
    const span = 1 << (16 - length)
    for (let number = 0; number < (counts[length - 1] ?? 0); number++) {
      if ((code + 1) * span > 65_536) return table
      table.fill(((symbols[at++] ?? 0) << 8) | length, code * span, (code + 1) * span)
      code++
    }
    code <<= 1
  }
  return table
}

/** Bits of a scan, without the zeros that follow each 0xff. Behind a marker or the end there are zeros without end. */
export class BitReader {
  readonly #data: Uint8Array
  #bits = 0
  #count = 0
  /** Never behind the marker that ends the scan. */
  position: number

  constructor(data: Uint8Array, position: number) {
    this.#data = data
    this.position = position
  }

  #fill(): void {
    while (this.#count <= 24) {
      const byte = this.#data[this.position] ?? 0xff
      const isMarker = byte === 0xff && this.#data[this.position + 1] !== 0
      this.#bits = (this.#bits << 8) | (isMarker ? 0 : byte)
      this.#count += 8
      if (!isMarker) this.position += byte === 0xff ? 2 : 1
    }
  }

  symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill()
    const entry = table[(this.#bits >>> (this.#count - 16)) & 0xffff] as number
    // No code of this table: the file is damaged; one bit on, and the picture shows it.
    this.#count -= entry === 0 ? 1 : entry & 0xff
    return entry >> 8
  }

  bits(length: number): number {
    if (length === 0) return 0
    if (this.#count < length) this.#fill()
    this.#count -= length
    return (this.#bits >>> this.#count) & ((1 << length) - 1)
  }

  /** A number of so many bits with its sign. */
  signed(length: number): number {
    const value = this.bits(length)
    return length > 0 && value < 1 << (length - 1) ? value - (1 << length) + 1 : value
  }

  /** Goes on behind the next restart marker; stays where another one comes first. */
  restart(): void {
    this.#bits = 0
    this.#count = 0
    for (let at = this.position; at + 1 < this.#data.length; at++) {
      if (this.#data[at] !== 0xff) continue
      const code = this.#data[at + 1] ?? 0
      if (code >= 0xd0 && code <= 0xd7) {
        this.position = at + 2
        return
      }
      if (code !== 0 && code !== 0xff) return
    }
  }
}
