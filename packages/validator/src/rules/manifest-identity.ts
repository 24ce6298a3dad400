import parseSpdx from 'spdx-expression-parse'
import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import { describeIssue, IDENTITY_FIELDS } from './manifest-schema.ts'

export const manifestIdentity: FolderRule = {
  code: 'TY104',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY104'),
  help: 'Use "namespace/name" in lower case, a semantic version, and an SPDX licence expression such as "Apache-2.0".',
  check({ manifest }) {
    if (manifest.state !== 'read') return []
    const findings: RuleFinding[] = manifest.issues
      .filter(({ path }) => IDENTITY_FIELDS.has(path[0]))
      .map((issue) => describeIssue(manifest, issue))
    const license = (manifest.raw as { license?: unknown } | null)?.license
    if (typeof license === 'string' && license !== '' && license.length <= 200 && !isLicence(license)) {
      const message = `"license" is ${JSON.stringify(license)}; expected an SPDX expression such as "MIT" or "MIT OR Apache-2.0"`
      findings.push({ message, ...manifestPlace(manifest, ['license']) })
    }
    return findings
  },
}

/** Also accepts `UNLICENSED`, which grants no rights. `LicenseRef-…`, a licence text in the package, is part of SPDX. */
function isLicence(expression: string): boolean {
  if (expression === 'UNLICENSED') return true
  try {
    parseSpdx(expression)
    return true
  } catch {
    return false
  }
}
