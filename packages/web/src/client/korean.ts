import { KOREAN_IN_BROWSER } from '../words/korean-in-browser.ts'
import { wordsOf } from '../words/language.ts'

/* Before the other scripts of a Korean page. */

const words = wordsOf('ko', KOREAN_IN_BROWSER)
globalThis.trainyardWords = () => words
