import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { isLoopbackHost } from './local-request.ts'
import { TrustedIssuers } from './trusted-issuers.ts'

/**
 * Who may come in. `local`: whoever is on this machine is its owner, and only a loopback address is served. `required`:
 * everybody says who they are.
 */
export type AuthMode = 'local' | 'required'

export interface AuthConfig {
  mode: AuthMode
  /** Whether anybody may make an account. The first one always may. */
  allowSignup: boolean
  /** Life of a login. */
  sessionDays: number
  /** Proxies whose word about the client's address is taken, besides those on this machine. */
  trustedProxies: readonly string[]
  trustedIssuers: TrustedIssuers
}

export const DEFAULT_AUTH: AuthConfig = {
  mode: 'local',
  allowSignup: false,
  sessionDays: 14,
  trustedProxies: [],
  trustedIssuers: [],
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

/** The variables of runner and registry about people: to be spread into their schemas. */
export const AuthEnvironment = {
  AUTH: z.enum(['local', 'required']).default('local'),
  ALLOW_SIGNUP: z.enum(['true', 'false']).default('false'),
  SESSION_DAYS: z.coerce.number().positive().max(365).default(14),
  TRUSTED_PROXIES: list.default([]),
  TRUSTED_ISSUERS: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON: a list of issuers' })
        return z.NEVER
      }
    })
    .pipe(TrustedIssuers)
    .default([]),
}

const Values = z.object(AuthEnvironment)

export function toAuthConfig(values: z.output<typeof Values>): AuthConfig {
  return {
    mode: values.AUTH,
    allowSignup: values.ALLOW_SIGNUP === 'true',
    sessionDays: values.SESSION_DAYS,
    trustedProxies: values.TRUSTED_PROXIES,
    trustedIssuers: values.TRUSTED_ISSUERS,
  }
}

/**
 * Without accounts, whoever reaches the server is its owner.
 *
 * @throws ConfigError
 */
export function requireSafeHost(host: string, { mode }: AuthConfig): void {
  if (mode === 'required' || isLoopbackHost(host)) return
  throw new ConfigError(
    `HOST is "${host}", which others can reach, and AUTH is "local", which asks nobody who they are: anyone could run ` +
      'programs here. Listen on 127.0.0.1, or set AUTH=required',
  )
}
