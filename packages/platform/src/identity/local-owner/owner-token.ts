import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { writePrivateFile } from '../../system/private-file.ts'
import { writeAudit } from '../audit/write-audit.ts'
import { findToken } from '../authentication/find-caller.ts'
import { LOCAL_ACCOUNT_ID } from '../db/built-in-ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { insertToken } from '../tokens/create-token.ts'

/** Name of the file in the data folder. Sandboxes hide the folder from trainers. */
const OWNER_TOKEN_FILE = 'owner-token'

export interface OwnerToken {
  secret: string
  /** Readable by this user only. */
  file: string
}

/**
 * The token by which programs of the local owner are recognised, kept in the data folder. Deleting the file and starting again
 * ends the old token and creates another.
 */
export async function keepOwnerToken(identity: IdentityStore, dataDir: string): Promise<OwnerToken> {
  const file = join(dataDir, OWNER_TOKEN_FILE)
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim()
  const isValid = kept !== '' && (await findToken(identity, { secret: kept }))?.token.kind === 'owner'
  const secret = isValid ? kept : await createOwnerToken(identity, `owner token in ${dataDir}`)
  // Also when it is kept: its mode may have been changed.
  await writePrivateFile(file, `${secret}\n`)
  return { secret, file }
}

/** Creates a token that acts as the local owner, and ends an earlier one of the same name. */
export async function createOwnerToken(identity: IdentityStore, name: string): Promise<string> {
  return await identity.database.transaction(async (trx) => {
    await trx
      .updateTable('tokens')
      .set({ revoked_at: sql<Date>`now()` })
      .where('kind', '=', 'owner')
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .execute()
    const token = { owner: LOCAL_ACCOUNT_ID, accountId: LOCAL_ACCOUNT_ID, name, scopes: [] }
    const { id, secret } = await insertToken(trx, 'owner', token)
    await writeAudit(identity, trx, { actor: 'server', action: 'owner-token.create', subject: id })
    return secret
  })
}
