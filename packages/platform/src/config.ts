import type { z } from 'zod'
import { ConfigError, fieldIssues, isSecretName } from './errors.ts'

/**
 * Parses the environment once, at the start. Empty variables count as unset. The message has a line for each invalid
 * variable, with its name, what it must be and its value.
 *
 * @param what the program that is configured, for example `"the runner"`
 * @throws ConfigError
 */
export function parseConfig<T>(schema: z.ZodType<T>, env: Record<string, string | undefined>, what: string): T {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = schema.safeParse(set)
  if (result.success) return result.data
  const lines = fieldIssues(result.error).map(({ path, detail }) => `- ${path} ${detail}${describeValue(path, set)}`)
  throw new ConfigError(`The settings of ${what} are invalid:\n${[...new Set(lines)].join('\n')}`)
}

function describeValue(path: string, env: Record<string, string | undefined>): string {
  const value = env[path]
  if (value === undefined) return ''
  if (isSecretName(path)) return '; its value is not shown'
  return `; it is "${hidePassword(value).slice(0, 200)}"`
}

/** Replaces the password in a URL with `***`. Returns other text unchanged. */
export function hidePassword(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/@\s]*):[^@\s]*@/i, '$1:***@')
}
