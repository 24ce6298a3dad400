import type { DockerInstruction } from '../dockerfile/read-dockerfile.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

const SECRET_NAME =
  /(?:^|_)(?:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|access|private|signing)_?key)(?:$|_)/i
/** Names of places, not of secrets: a file to read, a user, an address. */
const HARMLESS_NAME = /_(?:file|path|dir|url|uri|name|id|ttl|length|limit)$/i

export const dockerfileSecrets: FolderRule = {
  code: 'TY207',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY207'),
  help: 'Use RUN --mount=type=secret for the build; at run time the platform gives the trainer its own token.',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const { path, globalArgs = [], stages } of dockerfiles) {
      for (const instruction of [...globalArgs, ...stages.flatMap((stage) => stage.instructions)]) {
        if (instruction.keyword !== 'ARG' && instruction.keyword !== 'ENV') continue
        for (const { name, value } of assignments(instruction)) {
          if (!SECRET_NAME.test(name) || HARMLESS_NAME.test(name)) continue
          if (instruction.keyword === 'ENV' && (value === '' || value === undefined)) continue
          const message =
            value === undefined || value === ''
              ? `ARG ${name}: what is given for it at build time stays in the image’s history`
              : `${instruction.keyword} ${name} stays readable in the image (value not shown)`
          findings.push({ message, file: path, line: instruction.line, column: 1 })
        }
      }
    }
    return findings
  },
}

/** `A=1 B="2 3"`, `A` and the old `ENV A the rest`. */
function assignments({ keyword, text }: DockerInstruction): { name: string; value: string | undefined }[] {
  const old = /^(\w+)\s+([^=\s][\s\S]*)$/.exec(text)
  if (keyword === 'ENV' && old?.[1] && !/^\w+=/.test(text)) return [{ name: old[1], value: old[2] }]
  const found: { name: string; value: string | undefined }[] = []
  for (const match of text.matchAll(/(\w+)(?:=("(?:[^"\\]|\\.)*"|'[^']*'|\S*))?/g)) {
    if (match[1]) found.push({ name: match[1], value: match[2]?.replace(/^(["'])(.*)\1$/s, '$2') })
  }
  return found
}
