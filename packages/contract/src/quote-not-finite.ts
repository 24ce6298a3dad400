const NOT_FINITE = /-?(?:NaN|Infinity)\b/y

/**
 * Writes the NaN and Infinity of a text as JSON strings. Python's `json.dumps` and other writers put them bare, which is not JSON.
 * Reads the text once, whatever it contains.
 */
export function quoteNotFinite(text: string): string {
  let quoted = ''
  let from = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isInString) {
      if (char === '\\') at++
      else if (char === '"') isInString = false
      continue
    }
    if (char === '"') isInString = true
    if (char !== 'N' && char !== 'I' && char !== '-') continue
    NOT_FINITE.lastIndex = at
    const [word] = NOT_FINITE.exec(text) ?? []
    if (word === undefined) continue
    quoted += `${text.slice(from, at)}"${word}"`
    from = at + word.length
    at = from - 1
  }
  return quoted + text.slice(from)
}
