import { styleText } from 'node:util'
import { formatBar, formatBytes } from '@trainyard/contract/format'
import type { CliIo, Output } from './command.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Paints text for a terminal that wants colours; elsewhere gives it back as it is. See https://no-color.org. */
export function createPaint(output: Output, env: CliIo['env']): (style: Style, text: string) => string {
  const colours = (output.isTTY === true && !env.NO_COLOR) || (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0')
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text)
}

/** What a server or a file said, without the control characters that could move the cursor or fake output. */
export function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  return text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** One line that is drawn over and over. */
export function drawBar(done: number, total: number, columns = 80): string {
  const share = total === 0 ? 1 : Math.min(done / total, 1)
  const width = Math.max(10, Math.min(40, columns - 40))
  return `[${formatBar(share, width)}] ${Math.floor(share * 100)} %  ${formatBytes(done)} of ${formatBytes(total)}`
}
