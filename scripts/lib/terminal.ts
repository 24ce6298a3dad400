import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** What our programs print to: colours and a moving line on a terminal, plain lines elsewhere. */
export interface Terminal {
  readonly interactive: boolean
  /** Columns; 100 where there is no terminal. */
  readonly columns: number
  style(style: Style, text: string): string
  line(text?: string): void
  /** Replaces the last line, on a terminal only. */
  status(text: string): void
  clearStatus(): void
}

export function createTerminal(stream: NodeJS.WriteStream): Terminal {
  const interactive = stream.isTTY === true && process.env.CI === undefined
  let status = false
  const clearStatus = (): void => {
    if (status) stream.write('\r\u001b[2K')
    status = false
  }
  return {
    interactive,
    get columns() {
      return stream.columns ?? 100
    },
    style: (style, text) => (interactive ? styleText(style, text, { stream }) : text),
    line(text = '') {
      clearStatus()
      stream.write(`${text}\n`)
    },
    status(text) {
      if (!interactive) return
      clearStatus()
      stream.write(text)
      status = true
    },
    clearStatus,
  }
}
