import { PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'
import type { z } from 'zod'

// What the descriptions of the routes of people are put together from.

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
export const common = { 401: problem('Nobody is signed in'), 403: problem('This is not for you') }
export const inOrganisation = { ...common, 404: problem('You are in no such organisation') }
