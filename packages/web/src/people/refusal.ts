import { TrainyardApiError } from '@trainyard/client'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ZodError } from 'zod'
import { currentLanguage } from '../words/language.ts'
import { t, translate } from '../words/t.ts'

/** A problem that the user can solve, and the status of the page that shows it. */
export interface Refusal {
  problem: string
  status: ContentfulStatusCode
  /** When the user can try again. */
  retryAfterSeconds?: number | undefined
}

/** Undefined for everything that needs an error page. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof ZodError) {
    const [issue] = error.issues
    return { problem: `${String(issue?.path[0] ?? t('The form'))}: ${issue?.message ?? t('not valid')}`, status: 400 }
  }
  if (!(error instanceof TrainyardApiError) || error.status >= 500) return undefined
  const { problem } = error
  const issues = problem.issues?.map(({ path, detail }) => `${path}: ${detail}`).join('. ')
  return {
    problem: problemText(problem.title, issues || problem.detail),
    status: error.status as ContentfulStatusCode,
    retryAfterSeconds: error.retryAfterSeconds,
  }
}

/** The servers explain in English. In other languages, the kind of the problem is named before. */
function problemText(title: string, detail: string | undefined): string {
  if (!detail) return translate(title)
  return currentLanguage() === 'en' ? detail : `${translate(title)}: ${detail}`
}

/** Undefined when the action succeeded. Throws when the session has ended, which leads to the sign-in page. */
export async function refusalFrom(action: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined || refusal.status === 401) throw error
    return refusal
  }
}
