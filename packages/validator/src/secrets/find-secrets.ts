import { lintSource } from '@secretlint/core'
import { secretLintProfiler } from '@secretlint/profiler'
import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import { searchByOwnRules } from './own-rules.ts'

/** A secret that was found. The value is not included. */
export interface FoundSecret {
  readonly line: number
  readonly column: number
  readonly message: string
  /** Names the rule: the same for each secret of one kind. */
  readonly subject: string
}

/** The result for one file. `skipped`: it was not searched, which does not mean that it holds no secret. */
export type SecretSearch =
  | { readonly state: 'searched'; readonly secrets: readonly FoundSecret[] }
  | { readonly state: 'skipped'; readonly reason: string }

// This rule lets comments disable the search of their file, so it is left out.
const COMMENT_FILTER = '@secretlint/secretlint-rule-filter-comments'
const CONFIG = {
  rules: rules.filter((rule) => rule.meta.id !== COMMENT_FILTER).map((rule) => ({ id: rule.meta.id, rule })),
}

// It keeps several entries for each file until the process ends.
secretLintProfiler.setEnabled(false)

/** As in git, a file with NUL bytes in this part is binary. */
const BINARY_PROBE_BYTES = 8000

/** Searches the bytes of one file. `path` decides which rules apply, and is not read. */
export async function findSecrets(path: string, bytes: Buffer): Promise<SecretSearch> {
  const text = decodeText(bytes)
  if (text === undefined) return { state: 'skipped', reason: 'binary' }
  const name = path.slice(path.lastIndexOf('/') + 1)
  try {
    return {
      state: 'searched',
      secrets: withoutTwins([...(await searchBySecretlint(path, name, text)), ...ownSecrets(name, text)]),
    }
  } catch {
    return { state: 'skipped', reason: 'the search failed' }
  }
}

async function searchBySecretlint(path: string, name: string, content: string): Promise<FoundSecret[]> {
  const ext = name.includes('.') ? name.slice(name.lastIndexOf('.')) : ''
  const result = await lintSource({
    source: { filePath: `/trainer/${path}`, content, ext, contentType: 'text' },
    options: { config: CONFIG, maskSecrets: true, noPhysicFilePath: false },
  })
  return result.messages.map(({ loc, messageId, ruleId }) => ({
    line: loc.start.line,
    column: loc.start.column + 1,
    // The message of the rule is not used, because it may quote the text around the secret.
    message: messageOf(messageId),
    subject: `${ruleId} ${messageId}`,
  }))
}

function ownSecrets(name: string, text: string): FoundSecret[] {
  return searchByOwnRules(name, text).map(({ id, offset }) => {
    const before = text.slice(0, offset)
    const line = before.split('\n').length
    return { line, column: offset - before.lastIndexOf('\n'), message: messageOf(id), subject: `trainyard ${id}` }
  })
}

/** One finding for a secret that two rules find. */
function withoutTwins(secrets: readonly FoundSecret[]): FoundSecret[] {
  const places = new Set<string>()
  return secrets.filter(({ line, column }) => {
    const place = `${line}:${column}`
    if (places.has(place)) return false
    places.add(place)
    return true
  })
}

function decodeText(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  return bytes.subarray(0, BINARY_PROBE_BYTES).includes(0) ? undefined : bytes.toString('utf8')
}

/** `GITHUB_TOKEN` and `PostgreSQLConnection` as words. */
function messageOf(messageId: string): string {
  const kind = messageId
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return `found a secret: ${kind} (value not shown)`
}
