import { finalStages, lastInstruction } from '../dockerfile/read-dockerfile.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const dockerfileExecForm: FolderRule = {
  code: 'TY204',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY204'),
  help: 'Write it as a JSON array: ENTRYPOINT ["node", "main.js"].',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const dockerfile of dockerfiles) {
      if (finalStages(dockerfile).length === 0) continue
      for (const keyword of ['ENTRYPOINT', 'CMD']) {
        const found = lastInstruction(dockerfile, keyword)
        // A shell that is replaced by `exec` hears no signal in the trainer's place.
        if (!found || found.text === '' || found.text.startsWith('[') || /^exec\s/.test(found.text)) continue
        const message = `${keyword} is in shell form: the shell takes SIGTERM, so that the trainer never hears of a cancel`
        findings.push({ message, file: dockerfile.path, line: found.line, column: 1 })
      }
    }
    return findings
  },
}
