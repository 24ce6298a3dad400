import { resolve } from 'node:path'
import type { AuthConfig } from '../config/auth-config.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { announceServer } from './announce-server.ts'
import { keepOwnerToken } from './owner-token.ts'

export interface AdmitOwnerOptions {
  auth: AuthConfig
  dataDir: string
  env: Readonly<Record<string, string | undefined>>
  /** The address at which the server listens. */
  url: string
}

/**
 * With `AUTH=local`, writes the owner's token into the data folder and notes where it is. Does nothing otherwise.
 *
 * @returns removes the note, when the server stops
 */
export async function admitOwner(
  identity: IdentityStore,
  { auth, dataDir, env, url }: AdmitOwnerOptions,
): Promise<() => Promise<void>> {
  if (auth.mode !== 'local') return async () => {}
  const { file } = await keepOwnerToken(identity, resolve(dataDir))
  return await announceServer({ env, url, ownerTokenFile: file })
}
