import { formatJsonPath } from '../manifest/json-document.ts'
import { type ManifestIssue, type ManifestReading, manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Fields that TY104 speaks about. */
export const IDENTITY_FIELDS: ReadonlySet<unknown> = new Set(['name', 'version', 'license'])

export const manifestSchema: FolderRule = {
  code: 'TY103',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY103'),
  help: "Change the field to what the contract's manifest allows.",
  check({ manifest }) {
    if (manifest.state !== 'read') return []
    return manifest.issues
      .filter(({ path }) => !IDENTITY_FIELDS.has(path[0]))
      .map((issue) => describeIssue(manifest, issue))
  },
}

/** A sentence that names the field, what is there, and what is wanted. */
export function describeIssue(reading: ManifestReading, { path, seen, wanted }: ManifestIssue): RuleFinding {
  const field = path.length === 0 ? 'the manifest' : `"${formatJsonPath(path)}"`
  const state = seen === undefined ? 'is missing' : `is ${seen}`
  return {
    message: `${field} ${state}; wanted: ${lowerFirst(wanted)}`,
    subject: `${formatJsonPath(path)} ${wanted}`,
    ...manifestPlace(reading, path),
  }
}

function lowerFirst(text: string): string {
  const core = text
    .replace(/^Invalid (?:input|option): /, '')
    .replace(/^expected /, '')
    .replace(/, received .*$/, '')
  return core.charAt(0).toLowerCase() + core.slice(1)
}
