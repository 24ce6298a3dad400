import type { RuleFinding } from './rule.ts'
import type { TrainerFolder } from './trainer-folder.ts'

const SOURCE = /\.(?:py|js|mjs|cjs|ts|mts|sh)$/
/** Minified and generated files are larger, and are the code of others. */
const MAX_BYTES = 256 * 1024
const MAX_FILES = 500
const COMMENT = /^\s*(?:#|\/\/|\*|\/\*)/

/** A finding for each line of the trainer's programs that matches, without comments. */
export async function findLines(
  folder: TrainerFolder,
  pattern: RegExp,
  describe: (matched: string) => string,
): Promise<RuleFinding[]> {
  const findings: RuleFinding[] = []
  const sources = folder.files.filter(({ path, sizeBytes }) => SOURCE.test(path) && sizeBytes <= MAX_BYTES)
  for (const { path } of sources.slice(0, MAX_FILES)) {
    folder.signal?.throwIfAborted()
    const text = (await folder.readText(path, MAX_BYTES)) ?? ''
    for (const [index, line] of text.split('\n').entries()) {
      const match = COMMENT.test(line) ? null : pattern.exec(line)
      if (match === null) continue
      findings.push({
        message: describe(match[0].trim().slice(0, 100)),
        file: path,
        line: index + 1,
        column: match.index + 1,
      })
    }
  }
  return findings
}
