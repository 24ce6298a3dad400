import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { printJson } from '../terminal/table.ts'

interface RemoveOptions {
  json: boolean
  remove: (id: string) => Promise<void>
  /** What follows from it, for people: `. Its tokens have ended`. */
  effect?: string
}

/** Removes one after the other, so that those before a failure are named. */
export async function removeEach(
  io: CliIo,
  ids: readonly string[],
  { json, remove, effect = '' }: RemoveOptions,
): Promise<number> {
  for (const id of ids) {
    await remove(id)
    if (!json) io.stdout.write(`removed ${id}${effect}\n`)
  }
  if (json) printJson(io, { removed: ids })
  return EXIT_CODES.ok
}
