import type { MiddlewareHandler } from 'hono'
import { tryGetContext } from 'hono/context-storage'
import { languageDetector } from 'hono/language'
import { KOREAN } from './korean.ts'
import { LANGUAGES, type Language, type Words, wordsOf } from './language.ts'

/** The choice of the viewer. Without it, the browser's languages decide. */
export const LANGUAGE_COOKIE = 'trainyard_language'

const WORDS: Readonly<Record<Language, Words | undefined>> = { en: undefined, ko: wordsOf('ko', KOREAN) }

interface LanguageEnv {
  Variables: { language: string }
}

// Each request has its own context, also while its page is rendered and its stream is open.
globalThis.trainyardWords = () => {
  const language = LANGUAGES.find((one) => one === tryGetContext<LanguageEnv>()?.get('language'))
  return language === undefined ? undefined : WORDS[language]
}

/** Chooses the language of the pages by the cookie or by `Accept-Language`. After `contextStorage()`. */
export function chooseLanguage(): MiddlewareHandler {
  const detect = languageDetector({
    order: ['cookie', 'querystring', 'header'],
    // The live connection of a page.
    lookupQueryString: 'language',
    lookupCookie: LANGUAGE_COOKIE,
    supportedLanguages: [...LANGUAGES],
    fallbackLanguage: 'en',
    caches: false,
  })
  return async (c, next) => {
    await detect(c, next)
    if (!c.res.headers.get('content-type')?.startsWith('text/html')) return
    c.header('Content-Language', c.get('language'))
    c.header('Vary', 'Accept-Language, Cookie', { append: true })
  }
}
