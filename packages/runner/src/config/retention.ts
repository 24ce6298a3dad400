import { ArtifactKind } from '@trainyard/contract'
import { z } from 'zod'

const Rule = z.strictObject({
  /** Number of artifacts of a job to keep, newest first. */
  keepLast: z.number().int().min(0).optional(),
  /** Keep the best checkpoint of a job, whatever the other rules say. */
  keepBest: z.boolean().default(true),
  /** Number of days to keep an artifact after its upload. */
  days: z.number().positive().optional(),
})
const Policy = z.partialRecord(ArtifactKind, Rule)
const Retention = z.strictObject({
  default: Policy.default({}),
  /** By id or "organisation/project". A rule of the project replaces the default rule of that kind of artifact. */
  projects: z.record(z.string(), Policy).default({}),
})

export type RetentionRule = z.infer<typeof Rule>
export type RetentionConfig = z.infer<typeof Retention>

/** Parses `{"default": {"checkpoint": {"keepLast": 3}, "log": {"days": 30}}, "projects": {"acme/cells": {…}}}`. */
export function parseRetention(text: string): RetentionConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error('must be JSON such as {"default": {"checkpoint": {"keepLast": 3}, "log": {"days": 30}}}', { cause })
  }
  const parsed = Retention.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`must be rules by kind of artifact: ${issue?.path.join('.') || 'the top level'}: ${issue?.message}`)
}
