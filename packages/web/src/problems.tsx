import { TrainyardApiError, UnexpectedAnswerError } from '@trainyard/client'
import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Layout } from './components/layout.tsx'
import type { WebContext, WebEnv } from './context.ts'
import { setRetryAfter } from './retry-after.ts'
import { forgetSession, hasSession, originOf, safePath } from './session/credentials.ts'
import { findCause, UpstreamUnreachable } from './upstream.ts'
import { Sentence } from './words/sentence.tsx'
import { t, translate } from './words/t.ts'

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
          <a href="/">{t('All trainers')}</a> <a href="/jobs">{t('All jobs')}</a>
        </p>
      </div>
    </Layout>
  )
}

export function NotFoundPage({ assetUrl, path }: { assetUrl: (name: string) => string; path: string }) {
  return (
    <ProblemPage assetUrl={assetUrl} status={404} title={t('Page not found')}>
      <p>
        <Sentence
          text="{path} does not exist. It may have been removed, or the address contains a typing error."
          path={<code>{path}</code>}
        />
      </p>
    </ProblemPage>
  )
}

/** Turns an error into a page that says what happened and what to do, with the matching HTTP status. */
export function handleError(context: WebContext): ErrorHandler<WebEnv> {
  return (error, c) => {
    const assetUrl = c.get('assetUrl') ?? ((name: string) => `/assets/${name}`)
    const page = (status: ContentfulStatusCode, title: string, content: Child) => {
      // A server that answers 503 reports the reason itself, once.
      if (status >= 500 && status !== 503) context.logger.error({ err: error, path: c.req.path, status }, title)
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
        unreachable.upstream === 'registry' ? t('The registry is not responding') : t('The runner is not responding'),
        <>
          <p>
            <Sentence
              text="This page needs the {upstream}, which is not responding at {url}."
              upstream={unreachable.upstream === 'registry' ? t('registry') : t('runner')}
              url={<code>{unreachable.url}</code>}
            />
          </p>
          <p>
            <Sentence
              text="If you operate this installation, check that it is running and that {value} is its address. {link}"
              value={<code>{unreachable.upstream === 'registry' ? 'REGISTRY_URL' : 'RUNNER_URL'}</code>}
              link={<a href={c.req.path}>{t('Try again')}</a>}
            />
          </p>
        </>,
      )
    }
    // After signing in, the viewer returns to this page.
    if (error instanceof TrainyardApiError && error.status === 401) return toSignIn(c)
    if (error instanceof TrainyardApiError) setRetryAfter(c, error)
    if (error instanceof TrainyardApiError) return problemPage(error, page, c.req.path)
    if (error instanceof UnexpectedAnswerError) {
      return page(502, t('Unexpected answer from the server'), <p>{error.message}</p>)
    }
    if (error instanceof HTTPException) {
      if (error.status === 403)
        return page(
          403,
          t('Form refused'),
          <p>{t('The form was submitted from another site. Open the page here and try again.')}</p>,
        )
      return page(error.status as ContentfulStatusCode, error.message || t('The request cannot be served'), null)
    }
    return page(500, t('Internal error'), <p>{t('The error was logged. Try again in a moment.')}</p>)
  }
}

/**
 * An ended session would be refused on every page: its cookie is removed and the page is loaded again without it. Without a
 * session, the viewer is sent to the sign-in page.
 */
function toSignIn(c: Context<WebEnv>): Response {
  c.header('Cache-Control', 'no-store')
  const isReading = c.req.method === 'GET'
  const path = isReading ? `${c.req.path}${new URL(c.req.url).search}` : pageOfForm(c)
  if (hasSession(c)) {
    forgetSession(c)
    if (isReading) return c.redirect(path, 303)
  }
  return c.redirect(`/sign-in?to=${encodeURIComponent(path)}`, 303)
}

/** The page from which a form was sent, where the viewer types it again; scripts put back what was typed. */
function pageOfForm(c: Context<WebEnv>): string {
  const referer = c.req.header('referer') ?? ''
  if (!URL.canParse(referer)) return '/'
  const { origin, pathname, search } = new URL(referer)
  return origin === originOf(c) ? safePath(`${pathname}${search}`) : '/'
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
      t('Not found'),
      <p>{problem.detail ?? <Sentence text="{path} does not exist." path={<code>{path}</code>} />}</p>,
    )
  // A failure of an upstream server is a bad gateway. One that passes stays what it is: the page can be loaded again.
  const status = error.status >= 500 && error.status !== 503 ? 502 : error.status
  return page(
    status as ContentfulStatusCode,
    translate(problem.title),
    <>
      {problem.detail !== undefined && <p>{problem.detail}</p>}
      {problem.issues !== undefined && problem.issues.length > 0 && (
        <ul>
          {problem.issues.map((issue) => (
            <li>
              <code>{issue.path || 'request'}</code>
              {': '}
              {issue.detail}
            </li>
          ))}
        </ul>
      )}
      {problem.traceId !== undefined && (
        <p class="muted">
          <Sentence text="Trace: {traceId}" traceId={<code>{problem.traceId}</code>} />
        </p>
      )}
    </>,
  )
}
