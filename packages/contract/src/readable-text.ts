import { z } from 'zod'

// Control characters, soft hyphens, marks and overrides of the direction of text, invisible characters, separators of lines,
// and halves of surrogate pairs. Without flags: patterns in OpenAPI documents cannot have any.
const ODD = String.raw`\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff`
const PAIR = String.raw`[\ud800-\udbff][\udc00-\udfff]`
const ONE_LINE = new RegExp(String.raw`^(?:[^\u0000-\u001f\u007f-\u009f${ODD}]|${PAIR})*$`)
const SOME_LINES = new RegExp(String.raw`^(?:[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f${ODD}]|${PAIR})*$`)

/** Scripts in whose words a joiner (U+200C, U+200D) changes how letters look. */
const JOINING =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Nko}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]/u
const PICTURE = /\p{Extended_Pictographic}/u
/** What can stand between a picture and a joiner: a variation selector, or a tone of the skin. */
const MODIFIER = /[\ufe0f\u{1f3fb}-\u{1f3ff}]/u
const FLAG = 0x1f3f4

/** A character that a name must not contain, because it is invisible or changes how other text is shown. */
export interface OddCharacter {
  /** For example `U+202E`. */
  codePoint: string
  /** From 1, in characters: an emoji beyond U+FFFF is one. */
  position: number
}

/**
 * The first character of a text that no reader would see: controls, zero-width characters, changes of direction, lone
 * surrogates. Text in any script is fine, also from right to left, and so are joiners within emoji and words that need them.
 */
export function findOddCharacter(text: string, { lines = false } = {}): OddCharacter | undefined {
  const characters = [...text]
  for (const [index, character] of characters.entries()) {
    if (isReadable(characters, index, lines)) continue
    const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    return { codePoint: `U+${hex}`, position: index + 1 }
  }
  return undefined
}

function isReadable(characters: readonly string[], index: number, lines: boolean): boolean {
  return (lines ? SOME_LINES : ONE_LINE).test(characters[index] ?? '') && isInPlace(characters, index)
}

/** Whether a joiner or a tag is where it has a meaning. True for every other character. */
function isInPlace(characters: readonly string[], index: number): boolean {
  const code = characters[index]?.codePointAt(0) ?? 0
  const before = characters[index - 1] ?? ''
  const after = characters[index + 1] ?? ''
  if (code === 0x200c || code === 0x200d) {
    if (JOINING.test(before) && JOINING.test(after)) return true
    const picture = MODIFIER.test(before) ? (characters[index - 2] ?? '') : before
    return code === 0x200d && PICTURE.test(picture) && PICTURE.test(after)
  }
  if (code < 0xe0000 || code > 0xe007f) return true
  // The tags of a flag, such as England's.
  const start = characters.slice(0, index).findLastIndex((one) => (one.codePointAt(0) ?? 0) < 0xe0000)
  return characters[start]?.codePointAt(0) === FLAG
}

/** The text without the characters that {@link findOddCharacter} finds: for names that others have chosen. */
export function withoutOddCharacters(text: string): string {
  return [...text].filter((_, index, characters) => isReadable(characters, index, false)).join('')
}

/** A sentence about the first character that a text must not contain; undefined without one. */
export function describeOddCharacter(text: string, { lines = false } = {}): string | undefined {
  const odd = findOddCharacter(text, { lines })
  if (odd === undefined) return undefined
  const what = lines ? 'control and invisible characters' : 'line breaks, control and invisible characters'
  return `must not contain ${odd.codePoint}, which is character ${odd.position}; remove it: ${what} are not allowed`
}

const readable = (text: z.ZodString) =>
  text
    .regex(ONE_LINE, { error: ({ input }) => describeOddCharacter(String(input)), abort: true })
    .refine((value) => findOddCharacter(value) === undefined, {
      error: ({ input }) => describeOddCharacter(String(input)),
    })

/** A name or a note of one line that people read: see {@link findOddCharacter}. */
export const readableLine = (maxLength: number) => readable(z.string().min(1).max(maxLength))

/** The same, with white space at its ends removed. */
export const trimmedLine = (maxLength: number) => readable(z.string().trim().min(1).max(maxLength))
