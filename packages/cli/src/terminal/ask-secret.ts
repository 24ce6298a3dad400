import type { CliIo, Input } from '../command-line/io.ts'
import { InterruptedError, UsageError } from '../errors.ts'

const MAX_SECRET_LENGTH = 10_000

/** Asks for a secret without echo on a terminal. Elsewhere reads it from standard input. */
export async function askSecret(name: string, io: Pick<CliIo, 'stdin' | 'stderr'>): Promise<string> {
  const { stdin } = io
  const secret = stdin?.isTTY === true ? await askHidden(name, stdin, io.stderr) : await readAll(stdin)
  if (secret === '') throw new UsageError(`the ${name} is empty`)
  return secret
}

async function readAll(stdin: Input | undefined): Promise<string> {
  let text = ''
  for await (const chunk of stdin ?? []) {
    text += toText(chunk)
    if (text.length > MAX_SECRET_LENGTH)
      throw new UsageError(`standard input is longer than ${MAX_SECRET_LENGTH} characters: expected only the secret`)
  }
  return text.trim()
}

/** In raw mode the terminal does not echo, and Ctrl-C arrives as a character. */
async function askHidden(name: string, stdin: Input, stderr: CliIo['stderr']): Promise<string> {
  stderr.write(`${name}: `)
  stdin.setRawMode?.(true)
  let secret = ''
  try {
    for await (const chunk of stdin) {
      for (const letter of toText(chunk)) {
        if (letter === '\r' || letter === '\n' || letter === '\u0004') return secret
        if (letter === '\u0003') throw new InterruptedError()
        if (letter === '\u007f' || letter === '\b') secret = secret.slice(0, -1)
        else secret += letter
      }
    }
    return secret
  } finally {
    stdin.setRawMode?.(false)
    stderr.write('\n')
  }
}

const toText = (chunk: string | Uint8Array): string =>
  typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
