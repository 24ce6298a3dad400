import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/**
 * The ranges of a download that are complete, in a file beside it, so that another process can resume after a kill. The first line
 * describes the download, each further line is the number of a range. The file is only appended to: replacing a file makes
 * some file systems flush all pending writes, here once a range.
 */
const Head = z.object({ sizeBytes: z.number(), rangeBytes: z.number(), etag: z.string() })
export type NotesHead = z.infer<typeof Head>

export interface RangeNotes extends NotesHead {
  done: Set<number>
}

/** Undefined when the notes do not exist or cannot be read. Ignores a line that was cut short. */
export function readNotes(path: string): RangeNotes | undefined {
  try {
    const [first = '', ...lines] = readFileSync(path, 'utf8').split('\n')
    const head = Head.parse(JSON.parse(first))
    return { ...head, done: new Set(lines.flatMap((line) => /^=(\d+);$/.exec(line)?.slice(1).map(Number) ?? [])) }
  } catch {
    return undefined
  }
}

/** Creates the notes, or replaces older ones. */
export function beginNotes(path: string, { sizeBytes, rangeBytes, etag }: NotesHead): void {
  writeFileSync(path, `${JSON.stringify({ sizeBytes, rangeBytes, etag })}\n`)
}

/** Notes a complete range. The `;` marks the end of the number: "123" that was cut short must not read as range 12. */
export function noteRange(path: string, number: number): void {
  appendFileSync(path, `\n=${number};`)
}
