import { DatasetError } from '@trainyard/contract/trainer-errors'

/** The rows of a CSV text (RFC 4180), without empty ones. Throws `DatasetError` with `name` for a quote that does not end. */
export function* parseCsv(text: string, name: string): Generator<string[]> {
  let row: string[] = []
  let position = 0
  for (;;) {
    let field: string
    if (text[position] === '"') {
      const end = endOfQuotes(text, position + 1)
      if (end === -1) throw new DatasetError(`${name}: the quote at character ${position} does not end`)
      field = text.slice(position + 1, end).replaceAll('""', '"')
      position = end + 1
    } else {
      const start = position
      while (position < text.length && !isEnd(text.charCodeAt(position))) position++
      field = text.slice(start, position)
    }
    row.push(field.trim())
    const next = text[position]
    // What follows a quote up to the comma is no field of its own.
    if (next !== undefined && !isEnd(next.charCodeAt(0))) {
      while (position < text.length && !isEnd(text.charCodeAt(position))) position++
    }
    if (text[position] === ',') {
      position++
      continue
    }
    if (row.some((cell) => cell !== '')) yield row
    row = []
    if (position >= text.length) return
    position += text.startsWith('\r\n', position) ? 2 : 1
    if (position >= text.length) return
  }
}

function endOfQuotes(text: string, from: number): number {
  let end = text.indexOf('"', from)
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2)
  return end
}

/** A comma, or the end of a line. */
function isEnd(code: number): boolean {
  return code === 0x2c || code === 0x0a || code === 0x0d
}

/** Rows as functions from the name of a column, in any case, to its cell. The first row has the names. */
export function* parseCsvTable(text: string, name: string): Generator<(column: string) => string | undefined> {
  let columns: ReadonlyMap<string, number> | undefined
  for (const row of parseCsv(text, name)) {
    if (columns === undefined)
      columns = new Map(row.map((cell, index) => [cell.replace(/^#/, '').toLowerCase(), index]))
    else {
      const known = columns
      yield (column) => row[known.get(column.toLowerCase()) ?? -1]
    }
  }
}
