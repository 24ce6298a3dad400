import { formatJsonPath } from '../manifest/json-document.ts'
import { type ManifestIssue, type ManifestReading, manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Fields that TY104 checks. */
export const IDENTITY_FIELDS: ReadonlySet<unknown> = new Set(['name', 'version', 'license'])

export const manifestSchema: FolderRule = {
  code: 'TY103',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY103'),
  help: "Correct the field. The contract's JSON Schema describes the allowed values.",
  check({ manifest }) {
    if (manifest.state !== 'read') return []
    return manifest.issues
      .filter(({ path }) => !IDENTITY_FIELDS.has(path[0]))
      .map((issue) => describeIssue(manifest, issue))
  },
}

/** Names the field, the value seen, and the value expected. */
export function describeIssue(reading: ManifestReading, { path, seen, problem }: ManifestIssue): RuleFinding {
  const field = path.length === 0 ? 'the manifest' : `"${formatJsonPath(path)}"`
  const state = seen === undefined ? 'is missing' : `is ${seen}`
  return {
    message: `${field} ${state}; ${describeExpectation(problem)}`,
    subject: `${formatJsonPath(path)} ${problem}`,
    ...manifestPlace(reading, path),
  }
}

/** Rewords zod's messages ("Invalid input: expected string, received number") and those of the contract ("must be …"). */
function describeExpectation(problem: string): string {
  if (problem.startsWith('must ')) return `it ${problem}`
  const expectation = problem
    .replace(/^(?:Invalid (?:input|option)|Too (?:small|big)): /, '')
    .replace(/, received .*$/, '')
    .replaceAll('"|"', '", "')
  return expectation.charAt(0).toLowerCase() + expectation.slice(1)
}
