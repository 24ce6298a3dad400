import { isIP } from 'node:net'
import { isPublicAddress } from '@trainyard/platform'
import type { Policy } from './policy.ts'

interface Destination {
  host: string
  port: number
  /** The host is from a manifest, so internal addresses are refused. */
  isPublicOnly: boolean
}

/** Where a request may connect to, or the status and message of the refusal. */
export function decide(
  policy: Policy | undefined,
  host: string,
  port: number,
): Destination | { status: number; message: string } {
  if (policy === undefined)
    return { status: 407, message: 'The proxy requires the credentials in the trainer’s environment (HTTP_PROXY)' }
  const name = host.toLowerCase().replace(/\.$/, '')
  const address = `${name}:${port}`
  if (policy.trusted.includes(address)) return { host: name, port, isPublicOnly: false }
  if (policy.hosts.some((allowed) => [name, address].includes(allowed.toLowerCase()))) {
    if (isIP(name) === 0 || isPublicAddress(name)) return { host: name, port, isPublicOnly: true }
    return { status: 403, message: `${name} is not a public address` }
  }
  return { status: 403, message: `${name} is not in "permissions.network" of the manifest` }
}
