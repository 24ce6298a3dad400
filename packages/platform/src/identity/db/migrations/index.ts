import type { Migration } from 'kysely/migration'
import { tokensAndAudit } from './2026-11-21-tokens-and-audit.ts'
import { people } from './20261121T0350-people.ts'
import { passwordResets } from './20261121T0830-password-resets.ts'
import { parentsOfTokens } from './20261129T1530-parents-of-tokens.ts'
import { namesInAudit } from './20261129T1531-names-in-audit.ts'
import { setupAndOwner } from './20261129T1600-setup-and-owner.ts'
import { memberInvitations } from './20261129T1710-member-invitations.ts'

/** By the name under which a database records that the migration ran: never rename one. */
export const identityMigrations: Readonly<Record<string, Migration>> = {
  '2026-11-21-tokens-and-audit': tokensAndAudit,
  '20261121T0350-people': people,
  '20261121T0830-password-resets': passwordResets,
  '20261129T1530-parents-of-tokens': parentsOfTokens,
  '20261129T1531-names-in-audit': namesInAudit,
  '20261129T1600-setup-and-owner': setupAndOwner,
  '20261129T1710-member-invitations': memberInvitations,
}
