import { tryGetContext } from 'hono/context-storage'
import type { WebEnv } from '../context.ts'
import { findWho } from '../people/who.ts'

/** Who looks at this page, in its head. Read from the request itself, so that no page has to hand it down. */
export async function Person() {
  const c = tryGetContext<WebEnv>()
  if (c === undefined) return null
  const who = await findWho(c.get('client'))
  switch (who.state) {
    case 'signed-in':
      return (
        <form class="person" method="post" action="/sign-out">
          <PersonLink name={who.name} />
          <button class="quiet" type="submit">
            Sign out
          </button>
        </form>
      )
    case 'local':
      return (
        <p class="person">
          <PersonLink name={who.name} />
        </p>
      )
    case 'nobody':
      if (c.req.path.startsWith('/sign-')) return null
      return (
        <p class="person">
          <a href={`/sign-in?to=${encodeURIComponent(c.req.path)}`}>Sign in</a>
        </p>
      )
    case 'unknown':
      return null
  }
}

/** There is little room on a phone. */
function PersonLink({ name }: { name: string }) {
  return (
    <a class="person-name" href="/account">
      <span class="person-full">{name}</span>
      <span class="person-short">Account</span>
    </a>
  )
}
