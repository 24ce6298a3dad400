import { closeSync, openSync, writeSync } from 'node:fs'

/** The length of the text that is buffered before it is written. */
const FLUSH_LENGTH = 1 << 20

/** A text file that is written in large pieces. */
export class TextFile {
  readonly #handle: number
  #pieces: string[] = []
  #length = 0

  constructor(path: string) {
    this.#handle = openSync(path, 'wx')
  }

  write(text: string): void {
    this.#pieces.push(text)
    this.#length += text.length
    if (this.#length >= FLUSH_LENGTH) this.#flush()
  }

  close(): void {
    try {
      this.#flush()
    } finally {
      closeSync(this.#handle)
    }
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pieces.join(''))
    this.#pieces = []
    this.#length = 0
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at)
  }
}
