import { type FieldIssue, JobConfig, type TrainerManifest } from '@trainyard/contract'
import { suggest } from '@trainyard/contract/format'
import { fieldIssues, TrainyardError } from '@trainyard/platform'
import { checkSettings } from './check-settings.ts'
import { describeSettingError } from './describe-setting-error.ts'
import type { SettingsError } from './settings-messages.ts'

export type ConfigOutcome = { valid: true; config: JobConfig } | { valid: false; issues: FieldIssue[] }

/**
 * Fills presets and defaults into flat settings, validates them against the schema of a manifest, and splits them into
 * `basic` and `advanced` settings.
 */
export async function validateConfig(
  manifest: TrainerManifest,
  settings: Readonly<Record<string, unknown>>,
  preset?: string,
  check: typeof checkSettings = checkSettings,
): Promise<ConfigOutcome> {
  const presets = manifest.config.presets
  if (preset !== undefined && !Object.hasOwn(presets, preset)) {
    const known = Object.keys(presets)
    const detail =
      known.length === 0 ? 'must be absent: this trainer has no presets' : `must be one of ${known.join(', ')}`
    return { valid: false, issues: [{ path: 'preset', detail, value: preset }] }
  }
  const presetSettings = preset === undefined ? undefined : presets[preset]
  const merged: Record<string, unknown> = structuredClone({ ...presetSettings, ...settings })
  const outcome = await check({ schema: manifest.config.schema, settings: merged })
  if (outcome.type === 'busy')
    throw new TrainyardError(
      'unavailable',
      'The server is too busy to check the settings of the job. Send the same request again in a few seconds',
      { retryAfterSeconds: 5 },
    )
  if (outcome.type === 'ended')
    throw badSchema(
      manifest,
      'takes too much computing time or memory',
      'must have a schema under config.schema that is checked in five seconds of CPU time',
    )
  if (outcome.type === 'bad-schema')
    throw badSchema(manifest, `is not valid: ${outcome.reason}`, 'must have a valid JSON Schema under config.schema')
  if (outcome.type === 'invalid')
    return { valid: false, issues: outcome.errors.map((error) => toIssue(error, manifest)) }

  const split = splitConfig(manifest, outcome.settings)
  const parsed = JobConfig.safeParse(split)
  if (parsed.success) return { valid: true, config: parsed.data }
  const issues = fieldIssues(parsed.error, split).map((issue) => ({
    ...issue,
    path: issue.path.replace(/^(basic|advanced)/, 'config'),
  }))
  return { valid: false, issues }
}

function badSchema({ name, version }: TrainerManifest, problem: string, detail: string): TrainyardError {
  const message = `The settings schema of ${name}@${version} ${problem}`
  return new TrainyardError('unprocessable', message, { issues: [{ path: 'trainer', detail }] })
}

function splitConfig(manifest: TrainerManifest, settings: Record<string, unknown>) {
  const basic: Record<string, unknown> = {}
  const advanced: Record<string, unknown> = {}
  const properties = manifest.config.schema.properties ?? {}
  for (const [name, value] of Object.entries(settings)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    const isAdvanced = typeof property === 'object' && property !== null && 'x-advanced' in property
    const target = isAdvanced && property['x-advanced'] === true ? advanced : basic
    // Not an assignment, because a setting can be named "__proto__".
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return { basic, advanced }
}

function toIssue(error: SettingsError, manifest: TrainerManifest): FieldIssue {
  const at = ['config', ...error.instancePath.split('/').slice(1).map(unescapePointer)]
  const { params } = error
  switch (error.keyword) {
    case 'required':
      return { path: [...at, String(params.missingProperty)].join('.'), detail: 'is required' }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty)
      const known = Object.keys(manifest.config.schema.properties ?? {})
      return {
        path: [...at, name].join('.'),
        detail: `is not a setting of ${manifest.name}${suggest(name, known) || '.'} Its settings are: ${known.join(', ') || 'none'}`,
      }
    }
    case 'enum':
      return {
        path: at.join('.'),
        detail: `must be one of ${[params.allowedValues]
          .flat()
          .map((value) => JSON.stringify(value))
          .join(', ')}`,
        value: error.data,
      }
    default:
      return { path: at.join('.'), detail: describeSettingError(error), value: error.data }
  }
}

const unescapePointer = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')
