import { MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { type JsonPath, parseJsonDocument, type TextPosition } from './json-document.ts'

/** A violation of the contract in the manifest. */
export interface ManifestIssue {
  readonly path: JsonPath
  /** The message of the contract's schema. */
  readonly problem: string
  /** The value at the path as short JSON; undefined if there is none. */
  readonly seen: string | undefined
}

/** The result of reading `trainer.json`. */
export type ManifestReading =
  | { readonly state: 'missing' }
  | { readonly state: 'unreadable'; readonly message: string; readonly at?: TextPosition | undefined }
  | {
      readonly state: 'read'
      /** The JSON value in the file. */
      readonly raw: unknown
      /** Undefined if the contract does not accept it. */
      readonly manifest: TrainerManifest | undefined
      readonly issues: readonly ManifestIssue[]
      readonly duplicates: readonly { readonly path: JsonPath; readonly at: TextPosition }[]
      locate(path: JsonPath): TextPosition
    }

/** Longer values are truncated in messages. */
const MAX_SEEN_LENGTH = 80

/** Reads the text of a manifest against the contract. */
export function readManifest(text: string): Exclude<ManifestReading, { state: 'missing' }> {
  const document = parseJsonDocument(text)
  if (!document.ok) return { state: 'unreadable', message: document.message, at: document.at }
  const parsed = TrainerManifest.safeParse(document.value)
  const issues = (parsed.error?.issues ?? []).map((issue): ManifestIssue => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    return { path, problem: issue.message, seen: shortJson(valueAt(document.value, path)) }
  })
  return {
    state: 'read',
    raw: document.value,
    manifest: parsed.data,
    issues,
    duplicates: document.duplicates,
    locate: document.locate,
  }
}

/** The file and position of a path of the manifest, for a finding. */
export function manifestPlace(reading: ManifestReading, path: JsonPath): { file: string } & Partial<TextPosition> {
  return { file: MANIFEST_FILE_NAME, ...(reading.state === 'read' && reading.locate(path)) }
}

function valueAt(value: unknown, path: JsonPath): unknown {
  let current = value
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined
    current = (current as Record<string | number, unknown>)[part]
  }
  return current
}

/** A value as JSON, truncated to fit in a message. */
export function shortJson(value: unknown): string | undefined {
  const json = JSON.stringify(value)
  if (json === undefined) return undefined
  return json.length > MAX_SEEN_LENGTH ? `${json.slice(0, MAX_SEEN_LENGTH)}…` : json
}
