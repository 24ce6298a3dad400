import { z } from 'zod'
import { ConfigError } from '../../errors.ts'
import { AddressList, AddressListVariable } from '../../http/address-list.ts'
import type { ForwarderTrust } from '../../http/client-address.ts'
import { isLoopbackHost } from '../../http/loopback-host.ts'
import type { MailConfig } from '../../mail/send-mail.ts'
import { type RequestLimits, RequestLimitsEnvironment, toRequestLimits } from '../rate-limits/request-limits.ts'
import { TrustedIssuers } from './trusted-issuers.ts'

/**
 * `local`: the server belongs to the user who started it, and listens on a loopback address only. Its token is in the data
 * folder. `required`: people have accounts. Both need a session or a token for every request.
 */
export type AuthMode = 'local' | 'required'

export interface AuthConfig extends ForwarderTrust {
  mode: AuthMode
  /** Whether anyone can create an account. The first account can always be created. */
  allowSignup: boolean
  /** Lifetime of a session. */
  sessionDays: number
  /** The longest lifetime of a new token. Undefined: none. */
  tokenMaxDays?: number | undefined
  trustedIssuers: TrustedIssuers
  /** Origin of the web pages, for links in mails. Default: the public URL of the server. */
  pagesUrl?: string | undefined
  /** Undefined: the installation sends no mails. */
  mail?: MailConfig | undefined
  /** Default: `DEFAULT_REQUEST_LIMITS`. */
  requestLimits?: RequestLimits | undefined
}

export const DEFAULT_AUTH: AuthConfig = {
  mode: 'local',
  allowSignup: false,
  sessionDays: 14,
  trustedProxies: new AddressList(),
  trustedIssuers: [],
}

/** The variables about authentication, to be spread into the schemas of runner and registry. */
export const AuthEnvironment = {
  AUTH: z.enum(['local', 'required']).default('local'),
  ALLOW_SIGNUP: z.enum(['true', 'false']).default('false'),
  TOKEN_MAX_DAYS: z.coerce.number().int().positive().max(3650).optional(),
  SESSION_DAYS: z.coerce.number().positive().max(365).default(14),
  TRUSTED_PROXIES: AddressListVariable,
  PAGES_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
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
  PAGES_URL: z.url({ protocol: /^https?$/ }).optional(),
  SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  SMTP_FROM: z
    .string()
    .regex(
      /^[^\r\n]*[^\s@]@[^\s@][^\r\n]*$/,
      'must be an address, or a name and an address: Trainyard <trainyard@example.com>',
    )
    .optional(),
  ...RequestLimitsEnvironment,
}

const Values = z.object(AuthEnvironment)

export function toAuthConfig(values: z.output<typeof Values>): AuthConfig {
  return {
    mode: values.AUTH,
    allowSignup: values.ALLOW_SIGNUP === 'true',
    sessionDays: values.SESSION_DAYS,
    tokenMaxDays: values.TOKEN_MAX_DAYS,
    trustedProxies: values.TRUSTED_PROXIES,
    pagesSecret: values.PAGES_SECRET,
    trustedIssuers: values.TRUSTED_ISSUERS,
    pagesUrl: values.PAGES_URL?.replace(/\/+$/, ''),
    mail: toMailConfig(values),
    requestLimits: toRequestLimits(values),
  }
}

function toMailConfig({ SMTP_URL, SMTP_FROM }: z.output<typeof Values>): MailConfig | undefined {
  if (SMTP_URL === undefined) return undefined
  if (SMTP_FROM === undefined)
    throw new ConfigError(
      'SMTP_URL is set and SMTP_FROM is not. Set SMTP_FROM to the sender of mails, for example trainyard@example.com',
    )
  return { smtpUrl: SMTP_URL, from: SMTP_FROM }
}

/**
 * Refuses to serve other machines with `AUTH=local`, which has no accounts for their users.
 *
 * @throws ConfigError
 */
export function requireSafeHost(host: string, { mode }: AuthConfig): void {
  if (mode === 'required' || isLoopbackHost(host)) return
  throw new ConfigError(
    `HOST is "${host}", which other machines can reach, and AUTH is "local", which has one owner and no accounts. ` +
      'Listen on 127.0.0.1, or set AUTH=required',
  )
}
