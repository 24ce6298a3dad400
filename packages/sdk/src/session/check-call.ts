import { CreateArtifactRequest, describeIssue, TrainerEvent } from '@trainyard/contract'
import { ValidationError } from '@trainyard/contract/trainer-errors'
import { z } from 'zod'
import type { NewEvent } from '../journal/new-event.ts'

/** As the platform checks an announcement; size and digest are not the caller's. */
export const ArtifactChoices = CreateArtifactRequest.pick({ kind: true, name: true, contentType: true, metadata: true })
export const FilePath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\u0000'), 'must be a path without the character NUL')

/** Throws `ValidationError` for an event that the platform would reject: it is the mistake of the call. */
export function checkEvent(call: string, event: NewEvent): void {
  const whole = { seq: 1, time: '2026-01-01T00:00:00Z', ...event }
  const parsed = TrainerEvent.safeParse(whole)
  if (!parsed.success) throw describeMistake(call, parsed.error, whole)
  requireJson(call, event)
}

/** Throws `ValidationError` for a value that its schema refuses. The message names the call, the field, and the value. */
export function checkCall(call: string, schema: z.ZodType, value: unknown): void {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw describeMistake(call, parsed.error, value)
  requireJson(call, value)
}

/** JSON would fail later, without the name of the call. */
function requireJson(call: string, value: unknown): void {
  try {
    JSON.stringify(value)
  } catch (error) {
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new ValidationError(`${call}: the values cannot be written as JSON: ${why}`)
  }
}

function describeMistake(call: string, error: z.ZodError, value: unknown): ValidationError {
  const reasons = error.issues
    .flatMap((issue) => describeIssue(issue))
    .slice(0, 3)
    .map(({ path, detail }) => {
      const name = path.map(String).join('.')
      return `${name === '' ? 'the value' : name} is ${show(at(value, path))}; it ${detail}`
    })
  return new ValidationError(`${call}: ${reasons.join('. ')}`)
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

function show(value: unknown): string {
  if (
    typeof value === 'number' ||
    typeof value === 'function' ||
    typeof value === 'bigint' ||
    typeof value === 'symbol'
  )
    return String(value).slice(0, 100)
  try {
    return (JSON.stringify(value) ?? 'undefined').slice(0, 100)
  } catch {
    return String(value)
  }
}
