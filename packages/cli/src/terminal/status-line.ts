import type { Output } from '../command-line/io.ts'
import { cutToWidth } from './width.ts'

const CLEAR = '\r\u001b[2K'

/** A line at the bottom of a terminal that is drawn over and over, and lines that are printed above it. */
export class StatusLine {
  readonly #output: Output
  #isDrawn = false

  constructor(output: Output) {
    this.#output = output
  }

  get isTerminal(): boolean {
    return this.#output.isTTY === true
  }

  get columns(): number {
    return this.#output.columns ?? 80
  }

  /** Replaces the line. Only for a terminal. What does not fit is left out: a wrapped line could not be replaced. */
  draw(text: string): void {
    this.#output.write(`${CLEAR}${cutToWidth(text, this.columns - 1)}`)
    this.#isDrawn = true
  }

  print(line: string): void {
    this.clear()
    this.#output.write(`${line}\n`)
  }

  clear(): void {
    if (this.#isDrawn) this.#output.write(CLEAR)
    this.#isDrawn = false
  }
}
