import type { WebhookSecret } from '@trainyard/contract'
import type { CliIo } from '../../command-line/io.ts'
import { printJson } from '../../terminal/table.ts'

/** The secret alone goes to standard output, so that it can be written into a file. */
export function printSecret(io: CliIo, answer: WebhookSecret, { json, words }: { json: boolean; words: string }): void {
  if (json) {
    printJson(io, answer)
    return
  }
  io.stderr.write(`${words}. This is the secret of its signatures; it is not shown again:\n`)
  io.stdout.write(`${answer.secret}\n`)
}
