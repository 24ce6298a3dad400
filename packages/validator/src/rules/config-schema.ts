import type { ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { manifestPlace, shortJson } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const configSchema: FolderRule = {
  code: 'TY106',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY106'),
  help: 'Correct the JSON Schema (draft 2020-12) in "config.schema", or the default or preset that does not match it.',
  check({ manifest }) {
    if (manifest.state !== 'read') return []
    const config = asRecord(asRecord(manifest.raw)?.config)
    const schema = asRecord(config?.schema)
    if (!schema) return []
    const findings: RuleFinding[] = []
    const report = (path: (string | number)[], message: string) => {
      // ajv reports the same error once for each vocabulary.
      if (findings.some((finding) => finding.message === message)) return
      findings.push({ message, ...manifestPlace(manifest, ['config', ...path]) })
    }

    // In draft 2020-12, unknown formats and keywords are annotations, not errors.
    const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, logger: false })
    try {
      if (ajv.validateSchema(schema) === true) ajv.errors = null
    } catch (error) {
      // Thrown if "$schema" names another draft.
      report(['schema'], `the schema cannot be used: ${error instanceof Error ? error.message : String(error)}`)
      return findings
    }
    if (ajv.errors) {
      for (const error of ajv.errors) {
        const path = pointerPath(error.instancePath)
        report(['schema', ...path], `the schema is not valid at ${where(path)}: ${error.message ?? 'unknown error'}`)
      }
      return findings
    }
    const { $id: _, ...withoutId } = schema
    try {
      ajv.addSchema({ ...withoutId, $id: 'trainyard:config' })
      ajv.compile({ $ref: 'trainyard:config' })
    } catch (error) {
      report(['schema'], `the schema cannot be used: ${error instanceof Error ? error.message : String(error)}`)
      return findings
    }

    const properties = asRecord(schema.properties) ?? {}
    for (const [name, property] of Object.entries(properties)) {
      const value = asRecord(property)?.default
      if (value === undefined) continue
      const validate = ajv.compile({ $ref: `trainyard:config#/properties/${escapePointer(name)}` })
      if (!validate(value)) {
        const path = ['schema', 'properties', name, 'default']
        report(path, `the default of "${name}" is ${shortJson(value)}, but it ${joinErrors(validate.errors)}`)
      }
    }
    const validatePreset = ajv.compile({ $ref: 'trainyard:config' })
    for (const [preset, settings] of Object.entries(asRecord(config?.presets) ?? {})) {
      const values = asRecord(settings)
      if (!values) continue
      for (const name of Object.keys(values)) {
        if (Object.hasOwn(properties, name)) continue
        report(['presets', preset, name], `the preset "${preset}" sets "${name}", which the schema does not declare`)
      }
      if (validatePreset(values)) continue
      for (const error of validatePreset.errors ?? []) {
        // Users add the settings that a preset omits, and undeclared settings were reported above.
        if (error.instancePath === '' && ['required', 'additionalProperties'].includes(error.keyword)) continue
        const path = pointerPath(error.instancePath)
        report(
          ['presets', preset, ...path],
          `the preset "${preset}" does not match the schema at ${where(path)}: ${error.message}`,
        )
      }
    }
    return findings
  },
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function pointerPath(pointer: string): (string | number)[] {
  const parts = pointer.split('/').slice(1)
  return parts.map((part) => {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    return /^\d+$/.test(name) ? Number(name) : name
  })
}

function escapePointer(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}

function where(path: readonly (string | number)[]): string {
  return path.length === 0 ? 'the top level' : `"${path.join('.')}"`
}

function joinErrors(errors: readonly ErrorObject[] | null | undefined): string {
  return (errors ?? []).map((error) => error.message).join(' and ') || 'does not match the schema'
}
