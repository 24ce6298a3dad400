import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/** Where one attempt may connect to through the proxy. */
export const Policy = z.object({
  /** Of the platform, as `host:port`: wherever that is. */
  trusted: z.array(z.string()),
  /** Of the manifest, as a host, perhaps with a port: only public addresses. */
  hosts: z.array(z.string()),
})
export type Policy = z.infer<typeof Policy>

/** A policy as user name and password of a proxy. The runner keeps no list: its successor reads them as well. */
export function signPolicy(key: string, policy: Policy): { user: string; password: string } {
  const user = Buffer.from(JSON.stringify(policy)).toString('base64url')
  return { user, password: sign(key, user) }
}

/** The policy behind a `Proxy-Authorization` header; undefined for one that we did not sign. */
export function readPolicy(key: string, header: string | undefined): Policy | undefined {
  const encoded = /^basic +(\S+)$/i.exec(header ?? '')?.[1]
  const [user = '', password = ''] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':', 2)
  const wanted = Buffer.from(sign(key, user))
  const given = Buffer.from(password)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
  return Policy.parse(JSON.parse(Buffer.from(user, 'base64url').toString('utf8')))
}

function sign(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** The key of everybody over the same folder of attempts. No trainer sees that folder. */
export function keptKey(file: string): string {
  if (!existsSync(file)) {
    try {
      writeFileSync(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  return readFileSync(file, 'utf8')
}
