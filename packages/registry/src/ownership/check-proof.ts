import { Resolver } from 'node:dns/promises'
import { AddressList, requestOutside } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { NamespaceProofRow } from '../db/schema/namespace-proofs.ts'
import { DEFAULT_PROOF_HOSTS } from '../proof-hosts.ts'
import { followProofs } from '../search/popularity.ts'

const PROOF_FILE = '.trainyard-owner'
const DNS_TIMEOUT_MS = 3000
const MAX_FILE_BYTES = 64 * 1024
/** Days after which a proof is checked again. */
const RECHECK_DAYS = 7
/** In one pass. */
const BATCH = 20

export const textOf = ({ namespace, token }: Pick<NamespaceProofRow, 'namespace' | 'token'>): string =>
  `trainyard-owner=${namespace}:${token}`

export const placeOf = ({ kind, subject }: Pick<NamespaceProofRow, 'kind' | 'subject'>): string =>
  kind === 'dns' ? `_trainyard.${subject}` : PROOF_FILE

/** Looks for the record or file, and stores what was found. */
export async function checkProof(context: RegistryContext, proof: NamespaceProofRow): Promise<void> {
  const problem = await findProblem(context, proof).catch((error: unknown) => describe(error))
  const now = context.clock.now()
  await context.database.db
    .updateTable('namespace_proofs')
    .set({
      checked_at: now,
      problem: problem ?? null,
      ...(problem === undefined
        ? { verified_at: sql<Date>`coalesce(verified_at, ${now})`, failing_since: null }
        : { failing_since: sql<Date>`coalesce(failing_since, ${now})` }),
    })
    .where('id', '=', proof.id)
    .execute()
  await followProofs(context.database.db, proof.namespace)
}

/** Undefined: it was found. */
async function findProblem(context: RegistryContext, proof: NamespaceProofRow): Promise<string | undefined> {
  const value = textOf(proof)
  if (proof.kind === 'dns') {
    const name = placeOf(proof)
    const records = (await readRecords(context, name)).map((chunks) => chunks.join('').trim())
    if (records.includes(value)) return undefined
    const seen = records.length === 0 ? 'none' : records.slice(0, 5).join(', ').slice(0, 300)
    return `the TXT records of ${name} are: ${seen}; expected ${value}`
  }
  const url = fileUrlOf(context, proof.subject)
  if (url === undefined) return `this registry reads no repositories of ${proof.subject.split('/')[0]} any more`
  const allowed = context.config.outboundAllow ?? new AddressList()
  const { status, text } = await requestOutside({ url, allowed, maxAnswerBytes: MAX_FILE_BYTES })
  if (status !== 200) return `${url} answered ${status}; expected 200`
  if (text.split(/\r?\n/).some((line) => line.trim() === value)) return undefined
  return `${url} does not have the line ${value}`
}

async function readRecords({ config }: RegistryContext, name: string): Promise<string[][]> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 })
  const servers = config.dnsServers ?? []
  if (servers.length > 0) resolver.setServers([...servers])
  try {
    return await resolver.resolveTxt(name)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw error
  }
}

/** Undefined: the registry does not read repositories of this host, or the path cannot be one of a repository. */
export function fileUrlOf({ config }: Pick<RegistryContext, 'config'>, subject: string): string | undefined {
  const [host, ...parts] = subject.split('/')
  const found = (config.proofHosts ?? DEFAULT_PROOF_HOSTS).find((one) => one.host === host)
  if (found === undefined || parts.length > found.maxParts) return undefined
  return found.file.replace('{repository}', parts.map(encodeURIComponent).join('/')).replace('{file}', PROOF_FILE)
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300)

/** Checks again what was found long ago: domains expire, and repositories change hands. */
export async function recheckProofs(context: RegistryContext): Promise<number> {
  const rows = await context.database.db
    .selectFrom('namespace_proofs')
    .selectAll()
    .where('verified_at', 'is not', null)
    .where('checked_at', '<', new Date(context.clock.now().getTime() - RECHECK_DAYS * 86_400_000))
    .orderBy('checked_at')
    .limit(BATCH)
    .execute()
  for (const row of rows) await checkProof(context, row)
  // A mark also ends with time.
  await followProofs(context.database.db)
  return rows.length
}
