import { StringDecoder } from 'node:string_decoder'

export interface LineSplitterOptions {
  onLine: (line: string, isCut: boolean) => void
  /** Characters of a line that are kept; what follows them is dropped up to the next line break. */
  maxLength: number
}

export interface LineSplitter {
  push(chunk: Buffer): void
  /** Gives what stands behind the last line break. */
  end(): void
}

/** Cuts a stream of bytes into lines. Memory stays bounded when the line break never comes. */
export function createLineSplitter({ onLine, maxLength }: LineSplitterOptions): LineSplitter {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isCut = false

  function take(text: string): void {
    const room = maxLength - rest.length
    rest += text.slice(0, room)
    isCut ||= text.length > room
  }
  function give(): void {
    onLine(rest.endsWith('\r') ? rest.slice(0, -1) : rest, isCut)
    rest = ''
    isCut = false
  }
  function add(text: string): void {
    const [first = '', ...others] = text.split('\n')
    take(first)
    for (const part of others) {
      give()
      take(part)
    }
  }
  return {
    push: (chunk) => add(decoder.write(chunk)),
    end() {
      add(decoder.end())
      if (rest !== '' || isCut) give()
    },
  }
}
