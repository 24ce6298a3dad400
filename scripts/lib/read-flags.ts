import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ParseArgsConfig, parseArgs } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * Reads the flags of a command for developers. The comment at the top of its file (`import.meta.url`) is its `--help`. A wrong flag ends the
 * process with 2.
 */
export function readFlags<const T extends Options>(
  file: string,
  options: T,
): ReturnType<typeof parseArgs<{ options: T }>>['values'] {
  const [, comment = ''] = /\/\*\*\n([\s\S]*?)\n \*\//.exec(readFileSync(fileURLToPath(file), 'utf8')) ?? []
  const help = comment.replaceAll(/^ \* ?/gm, '')
  if (process.argv.slice(2).some((flag) => flag === '--help' || flag === '-h')) {
    console.log(help)
    process.exit(0)
  }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n\n${help}`)
    process.exit(2)
  }
}
