import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/**
 * Which ranges of a download are already there, in a file beside it: a process that was killed is gone on with. The first
 * line says of what, every further one is the number of a range. Only ever appended to: to replace a file makes some file
 * systems write out all that is waiting, at every range.
 */
const Head = z.object({ sizeBytes: z.number(), rangeBytes: z.number(), etag: z.string() })
export type NotesHead = z.infer<typeof Head>

export interface RangeNotes extends NotesHead {
  done: Set<number>
}

/** Undefined without notes, or with such that cannot be read. A line that was cut short counts for nothing. */
export function readNotes(path: string): RangeNotes | undefined {
  try {
    const [first = '', ...lines] = readFileSync(path, 'utf8').split('\n')
    const head = Head.parse(JSON.parse(first))
    return { ...head, done: new Set(lines.flatMap((line) => /^=(\d+);$/.exec(line)?.slice(1).map(Number) ?? [])) }
  } catch {
    return undefined
  }
}

/** Begins the notes anew. */
export function beginNotes(path: string, { sizeBytes, rangeBytes, etag }: NotesHead): void {
  writeFileSync(path, `${JSON.stringify({ sizeBytes, rangeBytes, etag })}\n`)
}

/** The range of this number is whole. Its end is marked, or of "123" that was cut short another range would be left. */
export function noteRange(path: string, number: number): void {
  appendFileSync(path, `\n=${number};`)
}
