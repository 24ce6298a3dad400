import { Bridge, MANIFEST_FILE_NAME, TrainerManifest, TrainerModel } from '@trainyard/contract'
import { formatJsonPath, type JsonPath } from '../manifest/json-document.ts'
import { type ManifestReading, manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const TOP = Object.keys(TrainerManifest.shape)
const MODEL = Object.keys(TrainerModel.shape)
const ENTRYPOINTS = Object.keys(TrainerManifest.shape.entrypoints.shape)
const RESOURCES = Object.keys(TrainerManifest.shape.resources.unwrap().shape)
const CONFIG = Object.keys(TrainerManifest.shape.config.unwrap().shape)
const BRIDGE = Object.keys(Bridge.shape)
const PERMISSIONS = Object.keys(TrainerManifest.shape.permissions.unwrap().shape)

export const unknownFields: FolderRule = {
  code: 'TY109',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY109'),
  help: 'Correct the spelling or remove the field. Nothing reads it.',
  check({ manifest }) {
    return findUnknown(manifest).map(({ path, similar }) => {
      const hint = similar ? `; did you mean "${similar}"?` : ''
      return { message: `unknown field "${formatJsonPath(path)}"${hint}`, ...manifestPlace(manifest, path) }
    })
  },
  fix({ manifest }) {
    return findUnknown(manifest).flatMap(({ path, similar, isFree }) => {
      const { line } = manifestPlace(manifest, path)
      if (similar === undefined || !isFree || line === undefined) return []
      const key = JSON.stringify(path.at(-1))
      const edit = (text: string) =>
        text
          .split('\n')
          .map((found, index) => (index === line - 1 ? found.replace(key, JSON.stringify(similar)) : found))
          .join('\n')
      return [{ file: MANIFEST_FILE_NAME, edit }]
    })
  },
}

/** Fields that the contract does not have, with the one that was probably meant, and whether that one can still be added. */
function findUnknown(manifest: ManifestReading): { path: JsonPath; similar: string | undefined; isFree: boolean }[] {
  if (manifest.state !== 'read') return []
  const found: { path: JsonPath; similar: string | undefined; isFree: boolean }[] = []
  const check = (value: unknown, path: JsonPath, known: readonly string[]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      const similar = known.find((name) => editDistance(name.toLowerCase(), key.toLowerCase()) <= 2)
      found.push({ path: [...path, key], similar, isFree: similar !== undefined && !Object.hasOwn(value, similar) })
    }
  }
  const raw = manifest.raw as Record<string, unknown> | null
  check(raw, [], TOP)
  check(raw?.entrypoints, ['entrypoints'], ENTRYPOINTS)
  check(raw?.resources, ['resources'], RESOURCES)
  check(raw?.config, ['config'], CONFIG)
  check(raw?.bridge, ['bridge'], BRIDGE)
  check(raw?.permissions, ['permissions'], PERMISSIONS)
  if (Array.isArray(raw?.models)) {
    raw.models.forEach((model: unknown, index) => {
      check(model, ['models', index], MODEL)
    })
  }
  return found
}

/** The Levenshtein distance. Long names are never considered similar. */
function editDistance(a: string, b: string): number {
  if (a.length > 40 || b.length > 40) return 99
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 99
}
