import { StringDecoder } from 'node:string_decoder'

export interface LineSplitterOptions {
  onLine: (line: string, isCut: boolean) => void
  /** Longer lines are cut to this number of characters. */
  maxLength: number
  /** Whether text after a carriage return replaces the text before it, as on a terminal. Progress bars then need no room. */
  isTerminal?: boolean | undefined
}

export interface LineSplitter {
  push(chunk: Buffer): void
  /** Emits the text after the last line break. */
  end(): void
}

/** Where the text begins that nothing was drawn over, if a carriage return is before it. */
function lastDrawn(text: string): number {
  const end = text.trimEnd().length
  return end === 0 ? 0 : text.lastIndexOf('\r', end - 1) + 1
}

/** Splits a stream of bytes into lines. Uses bounded memory, also when no line break arrives. */
export function createLineSplitter({ onLine, maxLength, isTerminal = false }: LineSplitterOptions): LineSplitter {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isCut = false

  function take(text: string): void {
    const drawnFrom = isTerminal ? lastDrawn(text) : 0
    if (drawnFrom > 0) {
      rest = ''
      isCut = false
      text = text.slice(drawnFrom)
    }
    const room = maxLength - rest.length
    rest += text.slice(0, room)
    isCut ||= text.length > room
  }
  function emit(): void {
    onLine(rest.endsWith('\r') ? rest.slice(0, -1) : rest, isCut)
    rest = ''
    isCut = false
  }
  function add(text: string): void {
    const [first = '', ...others] = text.split('\n')
    take(first)
    for (const part of others) {
      emit()
      take(part)
    }
  }
  return {
    push: (chunk) => add(decoder.write(chunk)),
    end() {
      add(decoder.end())
      if (rest !== '' || isCut) emit()
    },
  }
}
