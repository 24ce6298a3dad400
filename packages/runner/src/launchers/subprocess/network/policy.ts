import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/** What one attempt may reach through the proxy. */
export const Policy = z.object({
  /** The platform's addresses (`host:port`), which can be internal. */
  trusted: z.array(z.string()),
  /** The manifest's hosts, with or without a port. Only their public addresses are allowed. */
  hosts: z.array(z.string()),
})
export type Policy = z.infer<typeof Policy>

/** Encodes a policy as user name and password for the proxy. The runner stores nothing, so its successor can read it too. */
export function signPolicy(key: string, policy: Policy): { user: string; password: string } {
  const user = Buffer.from(JSON.stringify(policy)).toString('base64url')
  return { user, password: sign(key, user) }
}

/** Decodes the policy in a `Proxy-Authorization` header. Undefined: the signature is missing or wrong. */
export function readPolicy(key: string, header: string | undefined): Policy | undefined {
  const encoded = /^basic +(\S+)$/i.exec(header ?? '')?.[1]
  const [user = '', password = ''] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':', 2)
  const expected = Buffer.from(sign(key, user))
  const given = Buffer.from(password)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  return Policy.parse(JSON.parse(Buffer.from(user, 'base64url').toString('utf8')))
}

function sign(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** The key that all runners with the same attempts folder share. Trainers cannot see that folder. */
export function readOrCreateKey(file: string): string {
  if (!existsSync(file)) {
    try {
      writeFileSync(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  return readFileSync(file, 'utf8')
}
