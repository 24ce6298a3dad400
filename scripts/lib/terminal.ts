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

/** `████████░░░░` of the given width. */
export function progressBar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

/** `850 ms`, `3.4 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}

/** `512 B`, `3.4 kB`, `12.0 MB`: powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`
}
