import { tryGetContext } from 'hono/context-storage'
import { currentLanguage, LANGUAGE_NAMES, LANGUAGES } from '../words/language.ts'
import { t } from '../words/t.ts'

/** Leads to the same page in the other languages. */
export function LanguageSwitch() {
  const c = tryGetContext()
  if (c === undefined) return null
  // The answer to a form has no address of its own.
  const to = c.req.method === 'GET' ? `${c.req.path}${new URL(c.req.url).search}` : ''
  return (
    <form class="language" method="post" action="/language" aria-label={t('Language')}>
      <input type="hidden" name="to" value={to} />
      {LANGUAGES.filter((one) => one !== currentLanguage()).map((one) => (
        <button class="quiet" type="submit" name="language" value={one} lang={one}>
          {LANGUAGE_NAMES[one]}
        </button>
      ))}
    </form>
  )
}
