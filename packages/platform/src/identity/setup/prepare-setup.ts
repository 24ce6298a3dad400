import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivateFile } from '../../system/private-file.ts'
import type { AuthConfig } from '../config/auth-config.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { isWellFormedSecret, newSecret } from '../tokens/secrets.ts'
import { hasOperator, proposeSetupSecret, SETUP_SECRET_FILE } from './setup-secret.ts'

export interface PrepareSetupOptions {
  auth: AuthConfig
  /** The secret is kept here, readable by this user only, until the first account exists. */
  dataDir: string
  /** The address of the pages where `auth` names no other. */
  publicUrl: string
}

/**
 * Creates the secret that the first account needs, so that it is not created by the first stranger who reaches the address.
 * All servers of a database share one secret: the first that starts creates it.
 *
 * @returns the text to print; undefined when the installation has an operator, or belongs to its local owner
 */
export async function prepareSetup(
  identity: IdentityStore,
  { auth, dataDir, publicUrl }: PrepareSetupOptions,
): Promise<string | undefined> {
  if (auth.mode !== 'required') return undefined
  const file = join(dataDir, SETUP_SECRET_FILE)
  if (await hasOperator(identity.database.db)) {
    await rm(file, { force: true })
    return undefined
  }
  // Written before the database knows it: a crash in between must not leave a secret that no one can read.
  const secret = await keptSecret(file)
  if (await proposeSetupSecret(identity, secret)) return describeSetup(auth.pagesUrl ?? publicUrl, secret, file)
  await rm(file, { force: true })
  return (
    'This installation has no account yet. The server that started first printed the link for the first one, and keeps ' +
    `the secret in the file "${SETUP_SECRET_FILE}" of its data folder. "trainyard-runner setup-secret" replaces it.\n`
  )
}

export function describeSetup(pagesUrl: string, secret: string, file?: string): string {
  const link = `${pagesUrl.replace(/\/+$/, '')}/sign-up?setup=${secret}`
  const kept = file === undefined ? '' : `The secret in it is also in ${file}.\n`
  return `This installation has no account yet. Create the first one, its operator, here:\n${link}\n${kept}`
}

async function keptSecret(file: string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim()
  if (isWellFormedSecret(kept)) return kept
  const secret = newSecret()
  await writePrivateFile(file, `${secret}\n`)
  return secret
}
