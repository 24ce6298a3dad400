import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const dockerfileBaseTag: FolderRule = {
  code: 'TY206',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY206'),
  help: 'Name a version, or better a digest: FROM node:24.11-slim@sha256:….',
  check({ dockerfiles }) {
    const findings: RuleFinding[] = []
    for (const { path, stages } of dockerfiles) {
      const aliases = new Set<string>()
      for (const stage of stages) {
        const { image, line } = stage
        const known = image === '' || image === 'scratch' || aliases.has(image.toLowerCase()) || stage.unresolved
        if (stage.alias) aliases.add(stage.alias)
        if (known || image.includes('@sha256:')) continue
        // A colon before the last slash belongs to the port of a registry.
        const tag = /:([^/]+)$/.exec(image)?.[1]
        if (tag !== undefined && tag !== 'latest') continue
        const seen =
          tag === undefined ? `"${image}" has no tag, which means "latest"` : `"${image}" changes with every release`
        findings.push({ message: `the base image ${seen}`, file: path, line, column: 1 })
      }
    }
    return findings
  },
}
