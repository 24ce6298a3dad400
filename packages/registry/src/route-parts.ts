import { Problem } from '@trainyard/contract'
import type { z } from 'zod'

// Shared parts of the OpenAPI descriptions of the registry's own routes.

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})

export const problem = { description: 'The error', content: { 'application/problem+json': { schema: Problem } } }
