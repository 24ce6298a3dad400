import { EnvironmentError, readDependencies, satisfies } from '@trainyard/environments'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Minor versions of Python 3 that exist, or soon will. */
const MINORS = Array.from({ length: 9 }, (_, index) => index + 8)
const PATCHES = Array.from({ length: 30 }, (_, index) => index)

export const environmentValid: FolderRule = {
  code: 'TY111',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY111'),
  help: 'Correct "runtime" in trainer.json, or the file of dependencies.',
  async check({ dir, manifest, isIgnored }) {
    const { runtime, entrypoints } = (manifest.state === 'read' ? manifest.manifest : undefined) ?? {}
    if (runtime === undefined || entrypoints === undefined) return []
    const findings: RuleFinding[] = []
    const ranges = [runtime.python]
    try {
      ranges.push(...(await readDependencies(dir, runtime, entrypoints, { isIgnored })).pythonRanges)
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error
      findings.push({ message: error.message, file: error.file, line: error.line })
    }
    const exists = MINORS.some((minor) =>
      PATCHES.some((patch) => ranges.every((range) => satisfies(`3.${minor}.${patch}`, range))),
    )
    if (!exists) {
      const message = `no Python has a version ${ranges.join(' and ')}: expected versions such as ">=3.10"`
      findings.push({ message, file: 'trainer.json' })
    }
    return findings
  },
}
