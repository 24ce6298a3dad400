import { TrainyardApiError } from '@trainyard/client'
import { describeIssue } from '@trainyard/contract'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ZodError } from 'zod'

/** What is wrong with one field of the form. */
export interface FormIssue {
  /** The name of the field. */
  field: string
  /** A sentence without its subject: "must be at least 1". */
  detail: string
}

/** Why the job was not created. */
export interface FormRefusal {
  issues: FormIssue[]
  /** What concerns no field. */
  problem: string | undefined
  status: ContentfulStatusCode
}

/** Undefined for everything that needs an error page, or the sign-in page. */
export function formRefusal(error: unknown): FormRefusal | undefined {
  if (error instanceof ZodError) {
    const issues = error.issues
      .flatMap((issue) => describeIssue(issue))
      .map(({ path, detail }) => ({ field: fieldOf(path.join('.')), detail: inPercent(path.join('.'), detail) }))
    return { issues, problem: undefined, status: 422 }
  }
  if (!(error instanceof TrainyardApiError) || error.status >= 500 || error.status === 401) return undefined
  const { problem } = error
  const issues = problem.issues?.map(({ path, detail }) => ({ field: fieldOf(path), detail })) ?? []
  return {
    issues,
    problem: issues.length === 0 ? (problem.detail ?? problem.title) : undefined,
    status: error.status as ContentfulStatusCode,
  }
}

const FIELDS: Readonly<Record<string, string>> = {
  taskType: 'task',
  maxRetries: 'retries',
  deadlineSeconds: 'hours',
  split: 'train',
  'split.ratios': 'train',
  'split.ratios.train': 'train',
  'split.ratios.val': 'val',
  'split.ratios.test': 'test',
  'split.seed': 'seed',
}

/** The field of the form in which a field of the API is filled in. */
function fieldOf(path: string): string {
  if (Object.hasOwn(FIELDS, path)) return FIELDS[path] ?? path
  return path
}

/** The form has per cent where the API has shares. */
function inPercent(path: string, detail: string): string {
  return path.startsWith('split.ratios') ? detail.replace(/ 1$/, ' 100 %').replace(/ 0$/, ' 0 %') : detail
}
