import type { Dockerfile } from './dockerfile/read-dockerfile.ts'
import type { RuleFinding } from './rule.ts'

/** A finding for each instruction with this keyword whose text matches. */
export function findInstructions(
  dockerfiles: readonly Dockerfile[],
  keywords: readonly string[],
  pattern: RegExp,
  describe: (matched: string) => string,
): RuleFinding[] {
  return dockerfiles.flatMap(({ path, stages }) =>
    stages
      .flatMap((stage) => stage.instructions)
      .flatMap(({ keyword, text, flags, line }) => {
        const matched = keywords.includes(keyword) ? pattern.exec(`${flags} ${text}`.trim())?.[0] : undefined
        if (matched === undefined) return []
        return [{ message: describe(matched.trim().slice(0, 100)), file: path, line, column: 1 }]
      }),
  )
}
