import type { Finding } from '@trainyard/contract'
import { hasErrors } from '../../versions/check-results.ts'
import { createFinding } from '../findings.ts'
import type { PreparedTrainer } from '../prepare-bundle.ts'
import type { AcceptanceCheck, CheckInput } from './check.ts'
import { validatePhase } from './validate-phase.ts'

/** The trainer's manifest, and the folder or image that it was pushed in. */
export const manifest: AcceptanceCheck = {
  name: 'manifest',
  async run(input, reporter, signal) {
    const prepared = await input.prepare(signal)
    const own = [...prepared.findings, ...identityFindings(input, prepared)]
    reporter.found(...own)
    if (!prepared.unpacked) return { outcome: 'done' }
    const end = await validatePhase(input, 'static', reporter, signal)
    const all = [...own, ...(end.findings ?? [])]
    if (end.outcome !== 'done' || hasErrors(all) || prepared.manifest !== undefined) return end
    // The validator accepts what the contract does not.
    const finding = createFinding('TY191', 'trainer.json does not follow the contract', { file: 'trainer.json' })
    return { ...end, findings: [finding, ...(end.findings ?? [])] }
  },
}

function identityFindings({ part }: CheckInput, { manifest }: PreparedTrainer): Finding[] {
  if (!manifest) return []
  const pushedAs = { name: part.trainer, version: part.version }
  return (['name', 'version'] as const)
    .filter((field) => manifest[field] !== pushedAs[field])
    .map((field) =>
      createFinding('TY190', `"${field}" is "${manifest[field]}", but it was pushed as "${pushedAs[field]}"`, {
        file: 'trainer.json',
      }),
    )
}
