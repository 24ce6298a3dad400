/** Paragraphs of `Key: value` lines, as in dpkg's status file and in the metadata of Python. Keys are in lower case. */
export function* readParagraphs(text: string): Generator<Map<string, string>> {
  let fields = new Map<string, string>()
  let last: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (line === '') {
      if (fields.size > 0) yield fields
      fields = new Map()
      last = undefined
      continue
    }
    if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line.slice(1)}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    last = line.slice(0, colon).toLowerCase()
    if (!fields.has(last)) fields.set(last, line.slice(colon + 1).trim())
  }
  if (fields.size > 0) yield fields
}
