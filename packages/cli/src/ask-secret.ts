import { type CliIo, type Input, UsageError } from './command.ts'

const MAX_SECRET_LENGTH = 10_000

/** Asks for a secret: unseen on a terminal; elsewhere standard input holds it. */
export async function askSecret(question: string, io: Pick<CliIo, 'stdin' | 'stderr'>): Promise<string> {
  const { stdin } = io
  const secret = stdin?.isTTY === true ? await askUnseen(question, stdin, io.stderr) : await readAll(stdin)
  if (secret === '') throw new UsageError(`the ${question} is empty`)
  return secret
}

async function readAll(stdin: Input | undefined): Promise<string> {
  let text = ''
  for await (const chunk of stdin ?? []) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    if (text.length > MAX_SECRET_LENGTH) throw new UsageError('standard input holds more than a secret')
  }
  return text.trim()
}

/** In raw mode the terminal shows nothing of what is typed, and Ctrl-C arrives as a character. */
async function askUnseen(question: string, stdin: Input, stderr: CliIo['stderr']): Promise<string> {
  stderr.write(`${question}: `)
  stdin.setRawMode?.(true)
  let secret = ''
  try {
    for await (const chunk of stdin) {
      for (const letter of typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')) {
        if (letter === '\r' || letter === '\n' || letter === '\u0004') return secret
        if (letter === '\u0003') throw new UsageError('interrupted')
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
