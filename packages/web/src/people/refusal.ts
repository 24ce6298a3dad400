import { TrainyardApiError } from '@trainyard/client'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ZodError } from 'zod'

/** What a person can do something about, and the status of the page that says so. */
export interface Refusal {
  problem: string
  status: ContentfulStatusCode
}

/** The rest is an error page's: undefined. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof ZodError) {
    const [issue] = error.issues
    return { problem: `${String(issue?.path[0] ?? 'The form')}: ${issue?.message ?? 'not valid'}`, status: 400 }
  }
  if (!(error instanceof TrainyardApiError) || error.status >= 500) return undefined
  const { problem } = error
  const issues = problem.issues?.map(({ path, detail }) => `${path}: ${detail}`).join('. ')
  return { problem: issues || problem.detail || problem.title, status: error.status as ContentfulStatusCode }
}

/** Undefined when it was done. Who is not signed in any more is led to where one signs in. */
export async function refusalFrom(deed: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await deed()
    return undefined
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined || refusal.status === 401) throw error
    return refusal
  }
}
