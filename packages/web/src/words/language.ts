/** The languages of the pages. The texts in the code are English. */
export const LANGUAGES = ['en', 'ko'] as const
export type Language = (typeof LANGUAGES)[number]

/** As each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', ko: '한국어' }

/** The language of a page, and its texts by the English ones. */
export interface Words {
  language: Language
  /** Undefined for a text that the language has in English. */
  find(text: string): string | undefined
}

declare global {
  /** The server has those of the current request; a page in another language than English has a script that sets its own. */
  var trainyardWords: (() => Words | undefined) | undefined
}

export const currentWords = (): Words | undefined => globalThis.trainyardWords?.()

export const currentLanguage = (): Language => currentWords()?.language ?? 'en'

/** Words from a table of texts by the English ones. */
export function wordsOf(language: Language, texts: Readonly<Record<string, string>>): Words {
  return { language, find: (text) => (Object.hasOwn(texts, text) ? texts[text] : undefined) }
}
