import { finalStages, lastInstruction } from '../dockerfile/read-dockerfile.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const dockerfileUser: FolderRule = {
  code: 'TY205',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY205'),
  help: 'Add USER with a numeric id other than 0 after the last step that needs root, for example USER 10001.',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const dockerfile of dockerfiles) {
      const stages = finalStages(dockerfile)
      const base = stages.at(-1)
      const user = lastInstruction(dockerfile, 'USER')
      if (!base) continue
      if (user && !/^(?:root|0+)(?::.*)?$/.test(user.text)) continue
      // The tags of distroless and similar images indicate that they set a user.
      if (!user && /nonroot|rootless/.test(base.image)) continue
      const message = user ? `USER ${user.text} is root` : 'USER is missing, so the trainer runs as root'
      findings.push({ message, file: dockerfile.path, line: user?.line ?? stages[0]?.line ?? 1, column: 1 })
    }
    return findings
  },
}
