/** The languages of the pages. The texts in the code are English. */
export type Language = 'en' | 'ko'

/** The language of a page, and its texts by the English ones. */
interface Words {
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
