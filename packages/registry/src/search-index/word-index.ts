import { firstFrom, LAST_CHARACTER, PackedWords } from './packed-words.ts'
import type { Term } from './words.ts'

/** A posting is a slot and the line of the word: title, tags, description. */
const LINE_BITS = 2
const LINE_MASK = 3
/** What a term found in one trainer: the best weight (1 to 3), and whether the whole word is in the title. */
export const BEST = 3
export const IN_TITLE = 4

/** Postings that are added before all are packed again, if that is also more than half of those that are packed. */
const MIN_PACKED = 50_000
/** Above this number of new words, sorting all is faster than inserting each. */
const MAX_INSERTED = 100

/** The words of a catalogue, each with the slots of the trainers that have it. New ones are apart until they are packed. */
export class WordIndex {
  #packed = new PackedWords(new Map())
  #added = new Map<string, number[]>()
  #addedSize = 0
  /** In order, but for those that were added since the last search. */
  #addedWords: string[] = []
  #unsorted: string[] = []

  /** Adds the words of a trainer: one line a weight, the most important first. A word counts with its first weight. */
  add(slot: number, lines: string): void {
    const seen = new Set<string>()
    for (const [line, text] of lines.split('\n').entries()) {
      for (const word of text.split(' ')) {
        if (word === '' || seen.has(word)) continue
        seen.add(word)
        this.#add(word, (slot << LINE_BITS) | line)
      }
    }
    if (this.#addedSize > Math.max(MIN_PACKED, this.#packed.size / 2)) this.pack()
  }

  #add(word: string, posting: number): void {
    this.#addedSize++
    const known = this.#added.get(word)
    if (known !== undefined) {
      known.push(posting)
      return
    }
    this.#added.set(word, [posting])
    this.#unsorted.push(word)
  }

  #sortAdded(): readonly string[] {
    if (this.#unsorted.length > MAX_INSERTED) this.#addedWords = this.#addedWords.concat(this.#unsorted).sort()
    else for (const word of this.#unsorted) this.#addedWords.splice(firstFrom(this.#addedWords, word), 0, word)
    this.#unsorted = []
    return this.#addedWords
  }

  /** Packs what was added, and renumbers the slots: those that `slotOf` does not know are forgotten. */
  pack(slotOf: (slot: number) => number | undefined = (slot) => slot): void {
    const all = new Map<string, number[]>()
    const take = (word: string, postings: Iterable<number>) => {
      const kept = all.get(word) ?? []
      for (const posting of postings) {
        const slot = slotOf(posting >> LINE_BITS)
        if (slot !== undefined) kept.push((slot << LINE_BITS) | (posting & LINE_MASK))
      }
      if (kept.length > 0) all.set(word, kept)
    }
    for (const [word, postings] of this.#packed.entries()) take(word, postings)
    for (const [word, postings] of this.#added) take(word, postings)
    this.#packed = new PackedWords(all)
    this.#added = new Map()
    this.#addedWords = []
    this.#unsorted = []
    this.#addedSize = 0
  }

  /** Whether a word of some trainer begins like this. */
  hasBeginning(word: string): boolean {
    const words = this.#sortAdded()
    const added = words[firstFrom(words, word)]
    return this.#packed.hasBeginning(word) || (added?.startsWith(word) ?? false)
  }

  /** By slot, what a term found: 0 for nothing. `whole` is the word that counts as typed without a mistake. */
  find({ word, alternatives }: Term, slots: number, whole: string): Uint8Array {
    const found = new Uint8Array(slots)
    markBest(found, this.#packed.findBeginnings(word))
    const words = this.#sortAdded()
    const end = firstFrom(words, word + LAST_CHARACTER)
    for (let index = firstFrom(words, word); index < end; index++)
      markBest(found, this.#added.get(words[index] ?? '') ?? [])
    for (const other of alternatives)
      for (const postings of [this.#packed.find(other), this.#added.get(other) ?? []]) markBest(found, postings)
    if (whole === word || alternatives.includes(whole))
      for (const postings of [this.#packed.find(whole), this.#added.get(whole) ?? []]) markTitle(found, postings)
    return found
  }
}

function markBest(found: Uint8Array, postings: Int32Array | readonly number[]): void {
  for (let index = 0; index < postings.length; index++) {
    const posting = postings[index] ?? 0
    const weight = BEST - (posting & LINE_MASK)
    if (weight > (found[posting >> LINE_BITS] ?? 0)) found[posting >> LINE_BITS] = weight
  }
}

function markTitle(found: Uint8Array, postings: Int32Array | readonly number[]): void {
  for (const posting of postings) if ((posting & LINE_MASK) === 0) found[posting >> LINE_BITS] = BEST | IN_TITLE
}
