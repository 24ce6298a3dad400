import { stripVTControlCharacters } from 'node:util'

/** Text that the terminal of a person would show for a line: without colours and other control codes, and without what was drawn over. */
export function cleanLine(line: string): string {
  const plain = stripVTControlCharacters(line)
  const drawn = plain.split('\r').findLast((part) => part.trim() !== '') ?? ''
  let text = ''
  for (const char of drawn) {
    if (char === '\b') text = text.slice(0, -1)
    else if (char >= ' ' || char === '\t') text += char
  }
  return text.trimEnd()
}
