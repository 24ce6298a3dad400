import { tryGetContext } from 'hono/context-storage'
import type { WebEnv } from '../context.ts'
import { findViewer } from '../session/find-viewer.ts'
import { t } from '../words/t.ts'

/** The viewer's name in the page header. Read from the request, so that no page has to pass it down. */
export async function Person() {
  const c = tryGetContext<WebEnv>()
  if (c === undefined) return null
  const viewer = await (c.get('viewer') ?? findViewer(c.get('client')))
  switch (viewer.state) {
    case 'signed-in':
      return (
        <form class="person" method="post" action="/sign-out">
          <PersonLink name={viewer.name} />
          <button class="quiet" type="submit">
            {t('Sign out')}
          </button>
        </form>
      )
    case 'anonymous':
      if (c.req.path.startsWith('/sign-')) return null
      return (
        <p class="person">
          <a href={`/sign-in?to=${encodeURIComponent(c.req.path)}`}>{t('Sign in')}</a>
        </p>
      )
    case 'unknown':
      return null
  }
}

/** Phones show the short label. */
function PersonLink({ name }: { name: string }) {
  return (
    <a class="person-name" href="/account">
      <span class="person-full">{name}</span>
      <span class="person-short">{t('Account')}</span>
    </a>
  )
}
