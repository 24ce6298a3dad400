/** Words in order, whose postings lie one after the other: a beginning of words is one run of numbers. */
export class PackedWords {
  readonly #words: readonly string[]
  /** Where the postings of each word begin, and where the last ones end. */
  readonly #starts: Int32Array
  readonly #postings: Int32Array

  /** @param postings by word */
  constructor(postings: ReadonlyMap<string, readonly number[]>) {
    this.#words = [...postings.keys()].sort()
    this.#starts = new Int32Array(this.#words.length + 1)
    let size = 0
    for (const [index, word] of this.#words.entries()) {
      size += postings.get(word)?.length ?? 0
      this.#starts[index + 1] = size
    }
    this.#postings = new Int32Array(size)
    for (const [index, word] of this.#words.entries())
      this.#postings.set(postings.get(word) ?? [], this.#starts[index] ?? 0)
  }

  get size(): number {
    return this.#postings.length
  }

  hasBeginning(word: string): boolean {
    return this.#words[firstFrom(this.#words, word)]?.startsWith(word) ?? false
  }

  find(word: string): Int32Array {
    const index = firstFrom(this.#words, word)
    return this.#words[index] === word ? this.#between(index, index + 1) : this.#between(0, 0)
  }

  findBeginnings(word: string): Int32Array {
    return this.#between(firstFrom(this.#words, word), firstFrom(this.#words, word + LAST_CHARACTER))
  }

  *entries(): Iterable<readonly [string, Int32Array]> {
    for (const [index, word] of this.#words.entries()) yield [word, this.#between(index, index + 1)]
  }

  #between(first: number, end: number): Int32Array {
    return this.#postings.subarray(this.#starts[first], this.#starts[end])
  }
}

/** After every letter and digit, so that `word + LAST_CHARACTER` comes after all words that begin with `word`. */
export const LAST_CHARACTER = '\uffff'

/** The place of the first word that is not before `word`. */
export function firstFrom(words: readonly string[], word: string): number {
  let [low, high] = [0, words.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((words[middle] ?? '') < word) low = middle + 1
    else high = middle
  }
  return low
}
