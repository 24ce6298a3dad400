import { finalStages, lastInstruction } from '../dockerfile/read-dockerfile.ts'
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
      if (finalStages(dockerfile).length === 0) continue
      for (const keyword of ['ENTRYPOINT', 'CMD']) {
        const found = lastInstruction(dockerfile, keyword)
        // `exec` replaces the shell, so the trainer receives the signals.
        if (!found || found.text === '' || found.text.startsWith('[') || /^exec\s/.test(found.text)) continue
        const message = `${keyword} is in shell form: the shell receives SIGTERM and does not pass it on to the trainer`
        findings.push({ message, file: dockerfile.path, line: found.line, column: 1 })
      }
    }
    return findings
  },
}
