import type { DockerInstruction } from '../dockerfile/read-dockerfile.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import { isNameOfSecret } from '../secrets/name-of-secret.ts'

export const dockerfileSecrets: FolderRule = {
  code: 'TY207',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY207'),
  help: 'Use RUN --mount=type=secret for the build. At run time the platform gives the trainer its own token.',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const { path, globalArgs, stages } of dockerfiles) {
      for (const instruction of [...globalArgs, ...stages.flatMap((stage) => stage.instructions)]) {
        if (instruction.keyword !== 'ARG' && instruction.keyword !== 'ENV') continue
        for (const { name, value } of assignments(instruction)) {
          if (!isNameOfSecret(name)) continue
          if (instruction.keyword === 'ENV' && (value === '' || value === undefined)) continue
          const message =
            value === undefined || value === ''
              ? `ARG ${name}: the value given at build time stays in the history of the image`
              : `${instruction.keyword} ${name}: anyone who can pull the image can read the value (value not shown)`
          findings.push({ message, file: path, line: instruction.line, column: 1 })
        }
      }
    }
    return findings
  },
}

/** Parses `A=1 B="2 3"`, `A`, and the legacy form `ENV A value`. */
function assignments({ keyword, text }: DockerInstruction): { name: string; value: string | undefined }[] {
  const legacy = /^(\w+)\s+([^=\s][\s\S]*)$/.exec(text)
  if (keyword === 'ENV' && legacy?.[1] && !/^\w+=/.test(text)) return [{ name: legacy[1], value: legacy[2] }]
  const found: { name: string; value: string | undefined }[] = []
  for (const match of text.matchAll(/(\w+)(?:=("(?:[^"\\]|\\.)*"|'[^']*'|\S*))?/g)) {
    if (match[1]) found.push({ name: match[1], value: match[2]?.replace(/^(["'])(.*)\1$/s, '$2') })
  }
  return found
}
