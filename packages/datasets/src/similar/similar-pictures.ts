import { bitDifference, greyDifference, type PictureHash } from './picture-hash.ts'

/**
 * Of 256 bits. Two pictures that differ in fewer than 16 bits have at least one of the 16 words in common, so the words find
 * every such pair.
 */
const MAX_BITS = 15
/** In levels of 255. Compression and scaling change a part of a picture by one to three levels. */
const MAX_GREY = 6

/** Finds pictures that look like an earlier one, or like its mirror image. */
export class SimilarPictures<T> {
  readonly #known: { hash: PictureHash; value: T }[] = []
  /** By the position of a word and the word. */
  readonly #byWord = new Map<number, number[]>()

  /** The most similar earlier picture, if there is one; then the picture is known too. */
  add({ own, mirrored }: { own: PictureHash; mirrored: PictureHash }, value: T): T | undefined {
    const found = this.#nearest(own) ?? this.#nearest(mirrored)
    const number = this.#known.push({ hash: own, value }) - 1
    for (const [at, word] of own.words.entries()) {
      const key = (at << 16) | word
      const same = this.#byWord.get(key)
      if (same === undefined) this.#byWord.set(key, [number])
      else same.push(number)
    }
    return found
  }

  #nearest(hash: PictureHash): T | undefined {
    const seen = new Set<number>()
    let best: { value: T; bits: number } | undefined
    for (const [at, word] of hash.words.entries()) {
      for (const number of this.#byWord.get((at << 16) | word) ?? []) {
        if (seen.has(number)) continue
        seen.add(number)
        const known = this.#known[number]
        if (known === undefined) continue
        const bits = bitDifference(hash, known.hash)
        const isSimilar = bits <= MAX_BITS && greyDifference(hash, known.hash) <= MAX_GREY
        if (isSimilar && (best === undefined || bits < best.bits)) best = { value: known.value, bits }
      }
    }
    return best?.value
  }
}
