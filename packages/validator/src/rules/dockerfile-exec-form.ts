import { type Dockerfile, finalStages, lastInstruction } from '../dockerfile/read-dockerfile.ts'
import { plainWords } from '../fixes/plain-words.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const dockerfileExecForm: FolderRule = {
  code: 'TY204',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY204'),
  help: 'Use the exec form, a JSON array: ENTRYPOINT ["node", "main.js"].',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const dockerfile of dockerfiles) {
      for (const { keyword, line } of shellForms(dockerfile)) {
        const message = `${keyword} is in shell form: the shell receives SIGTERM and does not pass it on to the trainer`
        findings.push({ message, file: dockerfile.path, line, column: 1 })
      }
    }
    return findings
  },
  fix: ({ dockerfiles }) =>
    dockerfiles.flatMap((dockerfile) =>
      shellForms(dockerfile).flatMap(({ keyword, text, line }) => {
        const words = plainWords(text)
        if (words === undefined) return []
        const exec = `${keyword} ${JSON.stringify(words).replaceAll('","', '", "')}`
        // Only where the instruction is one line.
        const isSame = (found: string) => found.trim().replace(/\s+/g, ' ') === `${keyword} ${words.join(' ')}`
        const edit = (all: string) =>
          all
            .split('\n')
            .map((found, index) => (index === line - 1 && isSame(found) ? exec : found))
            .join('\n')
        return [{ file: dockerfile.path, edit }]
      }),
    ),
}

/** The instructions that start the trainer through a shell. */
function shellForms(dockerfile: Dockerfile) {
  if (finalStages(dockerfile).length === 0) return []
  return ['ENTRYPOINT', 'CMD'].flatMap((keyword) => {
    const found = lastInstruction(dockerfile, keyword)
    // `exec` replaces the shell, so the trainer receives the signals.
    if (!found || found.text === '' || found.text.startsWith('[') || /^exec\s/.test(found.text)) return []
    return [found]
  })
}
