/** Words that say nothing about a trainer. A query of nothing else keeps them. */
const STOP_WORDS = new Set(
  'a an and any by do for from i in is me my of on or that the this to use using want which with model models trainer trainers train training'.split(
    ' ',
  ),
)
/** Longer queries are cut: each word is a condition. */
const MAX_WORDS = 8
const MAX_WORD_LENGTH = 64

/** The words of a text, in lower case and composed form: what macOS types in Korean is what others store. */
export function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  return words.map((word) => word.slice(0, MAX_WORD_LENGTH))
}

/** The words of a query. The range of a reference such as `acme/yolo@^1.2` is no word. */
export function queryWords(query: string): string[] {
  const words = [...new Set(wordsOf(query.replace(/@[~^]?\d[\w.+-]*\s*$/, '')))]
  const telling = words.filter((word) => !STOP_WORDS.has(word))
  return (telling.length > 0 ? telling : words).slice(0, MAX_WORDS)
}

/** A name in lower case without separators, so that `Faster_RCNN` and `faster-rcnn` are the same. */
export function keyOf(name: string): string {
  return wordsOf(name).join('')
}

/** The words of a title, and those that people type differently: `faster-rcnn` as `fasterrcnn`, `yolov8` as `yolo v8`. */
export function titleWords(title: string): string[] {
  const words = wordsOf(title)
  const joined = words.flatMap((word, index) => {
    const next = words[index + 1]
    return next === undefined ? [] : [word + next]
  })
  return [...words, ...words.flatMap(partsOf), ...joined]
}

function partsOf(word: string): string[] {
  const parts = /^(\p{L}+?)(v?\d.*)$/u.exec(word)
  return parts?.[1] && parts[2] ? [parts[1], parts[2]] : []
}

/** A word of a query, which stands for every word that it begins, and words that it may be a mistyped form of. */
export interface Term {
  word: string
  alternatives: readonly string[]
}

/** The ways to understand a query; each requires all of its terms. Two words in a row may be one: `r cnn` finds `rcnn`. */
export function waysOf(words: readonly string[], corrections: ReadonlyMap<string, readonly string[]>): Term[][] {
  const term = (word: string): Term => ({ word, alternatives: corrections.get(word) ?? [] })
  const terms = words.map(term)
  const joined = words.slice(0, -1).map((word, index) => {
    const together: Term = { word: `${word}${words[index + 1]}`, alternatives: [] }
    return [...terms.slice(0, index), together, ...terms.slice(index + 2)]
  })
  const whole = words.length > 2 ? [[term(words.join(''))]] : []
  return [terms, ...joined, ...whole]
}
