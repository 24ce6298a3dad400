import { TrainerManifest, TrainerModel } from '@trainyard/contract'
import { formatJsonPath, type JsonPath } from '../manifest/json-document.ts'
import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

const TOP = Object.keys(TrainerManifest.shape)
const MODEL = Object.keys(TrainerModel.shape)
const ENTRYPOINTS = Object.keys(TrainerManifest.shape.entrypoints.shape)
const RESOURCES = Object.keys(TrainerManifest.shape.resources.unwrap().shape)
const CONFIG = Object.keys(TrainerManifest.shape.config.unwrap().shape)
const PERMISSIONS = Object.keys(TrainerManifest.shape.permissions.unwrap().shape)

export const unknownFields: FolderRule = {
  code: 'TY109',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY109'),
  help: 'Correct the spelling, or take the field out: nothing reads it.',
  check({ manifest }) {
    if (manifest.state !== 'read') return []
    const findings: RuleFinding[] = []
    const look = (value: unknown, path: JsonPath, known: readonly string[]) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return
      for (const key of Object.keys(value)) {
        if (known.includes(key)) continue
        const near = known.find((name) => editDistance(name.toLowerCase(), key.toLowerCase()) <= 2)
        const hint = near ? `; did you mean "${near}"?` : ''
        const message = `the manifest has no field "${formatJsonPath([...path, key])}"${hint}`
        findings.push({ message, ...manifestPlace(manifest, [...path, key]) })
      }
    }
    const raw = manifest.raw as Record<string, unknown> | null
    look(raw, [], TOP)
    look(raw?.entrypoints, ['entrypoints'], ENTRYPOINTS)
    look(raw?.resources, ['resources'], RESOURCES)
    look(raw?.config, ['config'], CONFIG)
    look(raw?.permissions, ['permissions'], PERMISSIONS)
    if (Array.isArray(raw?.models)) {
      raw.models.forEach((model: unknown, index) => {
        look(model, ['models', index], MODEL)
      })
    }
    return findings
  },
}

/** Levenshtein's distance; long names are never near. */
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
