import { TrainyardApiError, UnexpectedAnswerError } from '@trainyard/client'
import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Layout } from './components/layout.tsx'
import type { WebContext, WebEnv } from './context.ts'
import { forgetSession, hasSession } from './session/credentials.ts'
import { findCause, UpstreamUnreachable } from './upstream.ts'

interface ProblemPageProps {
  assetUrl: (name: string) => string
  status: number
  title: string
  children?: Child
}

function ProblemPage({ assetUrl, status, title, children }: ProblemPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={title}>
      <div class="problem">
        <p class="problem-status">{status}</p>
        <h1>{title}</h1>
        {children}
        <p class="problem-ways">
          <a href="/">All trainers</a> <a href="/jobs">All jobs</a>
        </p>
      </div>
    </Layout>
  )
}

export function NotFoundPage({ assetUrl, path }: { assetUrl: (name: string) => string; path: string }) {
  return (
    <ProblemPage assetUrl={assetUrl} status={404} title="There is no such page">
      <p>
        Nothing is at <code>{path}</code>. Perhaps it was removed, or the address has a typing mistake.
      </p>
    </ProblemPage>
  )
}

/** Turns whatever a page threw into a page that says what happened, who can help, and a status that caches and monitors understand. */
export function handleError(context: WebContext): ErrorHandler<WebEnv> {
  return (error, c) => {
    const assetUrl = c.get('assetUrl') ?? ((name: string) => `/assets/${name}`)
    const page = (status: ContentfulStatusCode, title: string, content: Child) => {
      if (status >= 500) context.logger.error({ err: error, path: c.req.path, status }, title)
      c.header('Cache-Control', 'no-store')
      if (status === 502 || status === 503 || status === 504) c.header('Retry-After', '10')
      return c.html(
        <ProblemPage assetUrl={assetUrl} status={status} title={title}>
          {content}
        </ProblemPage>,
        status,
      )
    }

    const unreachable = findCause(error, UpstreamUnreachable)
    if (unreachable !== undefined) {
      return page(
        unreachable.timedOut ? 504 : 502,
        `The ${unreachable.upstream} does not answer`,
        <>
          <p>
            These pages show what the {unreachable.upstream} knows, and it does not answer at{' '}
            <code>{unreachable.url}</code>.
          </p>
          <p>
            If you run Trainyard yourself, see that it is started and that{' '}
            <code>{unreachable.upstream === 'registry' ? 'REGISTRY_URL' : 'RUNNER_URL'}</code> is its address.{' '}
            <a href={c.req.path}>Try again</a>
          </p>
        </>,
      )
    }
    // Only signing in helps: then one is back where one was.
    if (error instanceof TrainyardApiError && error.status === 401) return toSignIn(c)
    if (error instanceof TrainyardApiError) return problemPage(error, page, c.req.path)
    if (error instanceof UnexpectedAnswerError) {
      return page(502, 'The answer was not understood', <p>{error.message}</p>)
    }
    if (error instanceof HTTPException) {
      if (error.status === 403)
        return page(
          403,
          'The form was not sent from these pages',
          <p>For your safety, such a request is not carried out. Open the page here and try again.</p>,
        )
      return page(error.status as ContentfulStatusCode, error.message || 'The request cannot be served', null)
    }
    return page(500, 'Something went wrong here', <p>The failure has been noted. Trying again may help.</p>)
  }
}

/**
 * A session that is over would be refused on every page: it is forgotten, and the page tried once more as nobody. Whoever is
 * nobody is asked to sign in.
 */
function toSignIn(c: Context<WebEnv>): Response {
  c.header('Cache-Control', 'no-store')
  const isReading = c.req.method === 'GET'
  const path = isReading ? `${c.req.path}${new URL(c.req.url).search}` : '/'
  if (hasSession(c)) {
    forgetSession(c)
    if (isReading) return c.redirect(path, 303)
  }
  return c.redirect(`/sign-in?to=${encodeURIComponent(path)}`, 303)
}

function problemPage<T>(
  error: TrainyardApiError,
  page: (status: ContentfulStatusCode, title: string, content: Child) => T,
  path: string,
): T {
  const { problem } = error
  if (error.status === 404)
    return page(
      404,
      'There is no such thing',
      <p>
        {problem.detail ?? (
          <>
            Nothing is at <code>{path}</code>.
          </>
        )}
      </p>,
    )
  // A failure behind us is a bad gateway to those before us.
  const status = error.status >= 500 ? 502 : error.status
  return page(
    status as ContentfulStatusCode,
    problem.title,
    <>
      {problem.detail !== undefined && <p>{problem.detail}</p>}
      {problem.issues !== undefined && problem.issues.length > 0 && (
        <ul>
          {problem.issues.map((issue) => (
            <li>
              <code>{issue.path || 'request'}</code>: {issue.detail}
            </li>
          ))}
        </ul>
      )}
      {problem.traceId !== undefined && (
        <p class="muted">
          Trace: <code>{problem.traceId}</code>
        </p>
      )}
    </>,
  )
}
