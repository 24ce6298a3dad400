import type { Setting } from '../trainers/settings.ts'
import { t } from '../words/t.ts'

/** Longer lists of choices are typed, not chosen. */
const MAX_CHOICES = 200

export interface Choice {
  /** The value as JSON. */
  value: string
  label: string
}

/** How a setting is filled in. Every control sends text; empty text leaves the setting at its default. */
export type Control =
  | { kind: 'choice'; choices: Choice[]; optional: boolean }
  | { kind: 'number'; min: number | undefined; max: number | undefined; step: 'any' | undefined }
  | { kind: 'text'; maxLength: number | undefined }
  /** Values of several types, lists and objects: JSON, and text where it is allowed. */
  | { kind: 'json'; long: boolean; isText: boolean }

export function controlOf({ property, default: fallback }: Setting): Control {
  const choices = choicesOf(property)
  if (choices !== undefined && choices.length > 0 && choices.length <= MAX_CHOICES)
    return { kind: 'choice', choices, optional: !choices.some(({ value }) => value === JSON.stringify(fallback)) }
  const types = [property.type ?? []].flat()
  const [type] = types
  if (types.length === 1 && (type === 'integer' || type === 'number'))
    return {
      kind: 'number',
      min: property.minimum,
      max: property.maximum,
      step: type === 'integer' && Number.isInteger(property.minimum ?? 0) ? undefined : 'any',
    }
  if (types.length === 1 && type === 'string') return { kind: 'text', maxLength: property.maxLength }
  return {
    kind: 'json',
    long: types.includes('object') || types.includes('array') || typeof fallback === 'object',
    isText: types.length === 0 || types.includes('string'),
  }
}

function choicesOf(property: Setting['property']): Choice[] | undefined {
  if (property.enum !== undefined) return property.enum.map((value) => choice(value))
  if (property.oneOf !== undefined)
    return property.oneOf.filter((one) => one.const !== undefined).map((one) => choice(one.const, one.title))
  if (property.type === 'boolean') return [choice(true, t('Yes')), choice(false, t('No'))]
  return undefined
}

function choice(value: unknown, label?: string): Choice {
  return { value: JSON.stringify(value), label: label ?? (typeof value === 'string' ? value : JSON.stringify(value)) }
}

/** The text that stands for a value in a control. */
export function toText(control: Control, value: unknown): string {
  if (value === undefined) return ''
  if (control.kind === 'choice' || typeof value !== 'string') return JSON.stringify(value)
  // Text such as "1" stays text when the form is read.
  if (control.kind === 'json') return control.isText && parseJson(value) === undefined ? value : JSON.stringify(value)
  return value
}

export type ReadValue = { value: unknown } | { problem: string }

/** The value that the text of a control stands for. What is not valid is sent as it is: the server says what it must be. */
export function readText(control: Control, text: string): ReadValue {
  if (text.trim() === '') return { value: undefined }
  switch (control.kind) {
    case 'choice':
      return { value: control.choices.some(({ value }) => value === text) ? JSON.parse(text) : text }
    case 'number':
      return { value: Number.isFinite(Number(text)) ? Number(text) : text }
    case 'text':
      return { value: text }
    case 'json': {
      const parsed = parseJson(text)
      if (parsed !== undefined) return { value: parsed.value }
      return control.isText
        ? { value: text }
        : { problem: t('must be JSON, such as {example}', { example: '[1, 2] or {"name": "value"}' }) }
    }
  }
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
