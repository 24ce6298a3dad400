import { styleText } from 'node:util'
import type { CliIo, Output } from '../command-line/io.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'
export type Paint = (style: Style, text: string) => string

/** Colours text on a terminal, unless `NO_COLOR` is set (https://no-color.org). `FORCE_COLOR` wins over both. */
export function createPaint(output: Output, env: CliIo['env']): Paint {
  const { FORCE_COLOR, NO_COLOR } = env
  const isColoured = FORCE_COLOR === undefined ? output.isTTY === true && !NO_COLOR : FORCE_COLOR !== '0'
  return (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text)
}
