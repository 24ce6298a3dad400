import { type FieldIssue, PROBLEMS, type ProblemCode } from '@trainyard/contract'

/** As the servers refuse. */
export function problem(
  code: ProblemCode,
  detail: string,
  headers: Record<string, string> = {},
  issues?: FieldIssue[],
): Response {
  const { status, title, retryable } = PROBLEMS[code]
  return Response.json(
    { type: `https://docs.trainyard.example/problems/${code}`, title, status, detail, code, retryable, issues },
    { status, headers: { ...headers, 'content-type': 'application/problem+json' } },
  )
}
