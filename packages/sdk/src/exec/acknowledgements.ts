import { appendFileSync, writeFileSync } from 'node:fs'

/** What became of a file that the program named. `id` is the event's own; `line` counts the lines of the events from 1. */
export interface Acknowledgement {
  id?: string | number | undefined
  line: number
  type: 'checkpoint' | 'artifact'
  file: string
  /**
   * - `copied`: the program can write to the file again, or delete it
   * - `uploaded`: the platform has it, under `artifactId`
   * - `replaced`: a later event of the same name came before its upload
   * - `failed`: it will not arrive, for the reason `error`
   */
  state: 'copied' | 'uploaded' | 'replaced' | 'failed'
  artifactId?: string | undefined
  error?: string | undefined
}

/**
 * Answers the program in a file with one JSON object a line. A file, because reading it is optional: a pipe that nothing reads
 * would fill up, and wrappers of programs close descriptors that they do not know.
 */
export function createAcknowledgements(file: string): (acknowledgement: Acknowledgement) => void {
  writeFileSync(file, '')
  return (acknowledgement) => {
    try {
      appendFileSync(file, `${JSON.stringify(acknowledgement)}\n`)
    } catch {
      // On a full disk the program does not learn of it; the job reports its files all the same.
    }
  }
}
