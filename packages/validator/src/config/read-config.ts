import { parseIgnoreRules } from '@trainyard/contract'
import { z } from 'zod'

export const CONFIG_FILE_NAME = 'trainyard.config.json'

const Ignore = z.strictObject({
  rule: z.string().regex(/^TY\d{1,3}$/, 'expected the code of a rule, or its start, for example TY214'),
  path: z.string().min(1),
  reason: z.string().trim().min(1),
  expires: z.iso.date(),
})
const ValidatorConfig = z.strictObject({ $schema: z.string().optional(), ignores: z.array(Ignore).default([]) })

/** Findings that the author does not want to see, until a day. */
export interface Ignores {
  readonly rule: string
  readonly path: string
  readonly reason: string
  /** The last day, as `2026-12-31`. */
  readonly expires: string
  matches(path: string): boolean
}

/** What `trainyard.config.json` says. */
export type ConfigReading =
  | { readonly state: 'absent' }
  | { readonly state: 'invalid'; readonly message: string }
  | { readonly state: 'read'; readonly ignores: readonly Ignores[] }

/** Reads the text of the config. Its paths are patterns as in `.gitignore`. */
export function readConfig(text: string | undefined): ConfigReading {
  if (text === undefined) return { state: 'absent' }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return { state: 'invalid', message: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const { data, error } = ValidatorConfig.safeParse(json)
  if (data === undefined) {
    const [issue] = error.issues
    return { state: 'invalid', message: `"${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'not valid'}` }
  }
  return {
    state: 'read',
    ignores: data.ignores.map((ignore) => {
      const isMatch = parseIgnoreRules(ignore.path)
      // A pattern of a folder is meant for everything in it.
      const matches = (path: string) => {
        const parts = path.split('/')
        const folders = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
        return isMatch(path, false) || folders.some((folder) => isMatch(folder, true))
      }
      return { ...ignore, matches }
    }),
  }
}

/** Whether an ignore does not count any more. */
export function isExpired({ expires }: Pick<Ignores, 'expires'>, now = new Date()): boolean {
  return now.toISOString().slice(0, 10) > expires
}
