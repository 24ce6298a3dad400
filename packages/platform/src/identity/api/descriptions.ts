import { PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'
import type { z } from 'zod'

// Shared parts of the OpenAPI descriptions of the identity routes.

export const tags = ['People']

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})

export const problem = (description: string) => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
})

export const authenticated = {
  401: problem('Not authenticated'),
  403: problem('Not allowed for this caller'),
}

export const inOrganisation = {
  ...authenticated,
  404: problem('The organisation does not exist, or the caller is not a member'),
}
