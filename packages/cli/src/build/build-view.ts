import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from '../command-line/io.ts'
import { createPaint, type Paint } from '../terminal/paint.ts'
import { cleanText, plural } from '../terminal/text.ts'

/** Shows the steps of a build on standard error, so that standard output has only its result. */
export class BuildView {
  readonly #io: CliIo
  readonly #paint: Paint
  /** Whether nothing is shown. */
  readonly isSilent: boolean

  constructor(io: CliIo, isSilent: boolean) {
    this.#io = io
    this.isSilent = isSilent || io.isQuiet === true
    this.#paint = createPaint(io.stderr, io.env)
  }

  step(text: string): void {
    if (!this.isSilent) this.#io.stderr.write(`${cleanText(text)}\n`)
  }

  /** A line of another program. */
  line(text: string): void {
    if (!this.isSilent) this.#io.stderr.write(`  ${this.#paint('dim', cleanText(text))}\n`)
  }

  layer({ what, files, sizeBytes }: { what: string; files: number; sizeBytes: number }): void {
    this.step(`Layer: ${what}, ${plural(files, 'file')}, ${formatBytes(sizeBytes)}`)
  }
}
