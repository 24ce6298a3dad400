import { createClient } from '@trainyard/client'
import type { TrainerManifest } from '@trainyard/contract'
import { isHttpUrl } from '@trainyard/contract'
import type { DoctorCheck } from './checks.ts'

const DAY_MS = 86_400_000
/** From then on, the end of a token is a problem that is near. */
const SOON_DAYS = 7

export interface TokenToCheck {
  url: string | undefined
  token: string | undefined
  /** The trainer of the folder, which the token may publish or not. */
  manifest: TrainerManifest | undefined
}

/** What a token is allowed to do, and until when. Undefined without a token, or if the server refuses it or does not answer. */
export async function checkToken({ url, token, manifest }: TokenToCheck): Promise<DoctorCheck | undefined> {
  const name = 'Token'
  if (!url || !token || !isHttpUrl(url)) return undefined
  const me = await createClient({ runnerUrl: url, registryUrl: url, token })
    .identity.me()
    .catch(() => undefined)
  if (me === undefined) return undefined
  const { account, scopes, expiresAt } = me
  const owner = account === undefined ? 'of no account' : `of ${account.displayName}`
  const left = expiresAt === undefined ? undefined : Math.floor((Date.parse(expiresAt) - Date.now()) / DAY_MS)
  const end = expiresAt === undefined ? 'does not expire' : `expires on ${expiresAt.slice(0, 10)}`
  const text = `${owner}, ${scopes === undefined ? 'all permissions of the account' : scopes.join(', ')}, ${end}`
  if (left !== undefined && left < SOON_DAYS)
    return { name, status: 'problem', text, help: 'Create a new one: trainyard tokens create NAME' }
  const namespace = manifest?.name.split('/')[0]
  const canPublish = namespace === undefined || scopes === undefined || mayPush(scopes, namespace)
  const help = canPublish
    ? undefined
    : `It cannot publish ${manifest?.name}: trainyard tokens create NAME --scope push:${namespace}`
  return { name, status: 'ok', text, help }
}

const mayPush = (scopes: readonly string[], namespace: string): boolean =>
  scopes.some((scope) => ['push:*', `push:${namespace}`, 'admin:*', `admin:${namespace}`].includes(scope))
