import { type Finding, SUPPRESSIBLE_CHECKS } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'

/** Marks the findings that the owner of the trainer has suppressed. */
export type Suppress = (check: string, finding: Finding) => Finding

/** Loads the suppressions of a trainer. Those of checks whose findings cannot be suppressed are ignored. */
export async function loadSuppressions({ database }: RegistryContext, repositoryId: number): Promise<Suppress> {
  const rows = await database.db
    .selectFrom('suppressions')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .where('check_name', 'in', SUPPRESSIBLE_CHECKS)
    .execute()
  const byKey = new Map(rows.map((row) => [`${row.check_name} ${row.fingerprint}`, row]))
  return (check, finding) => {
    const row = byKey.get(`${check} ${finding.fingerprint}`)
    return row
      ? { ...finding, suppressed: { reason: row.reason, at: row.created_at.toISOString() } }
      : { ...finding, suppressed: undefined }
  }
}
