const SEPARATORS = [',', ';', '\t'] as const
type Separator = (typeof SEPARATORS)[number]

/** What separates the cells of a CSV text, and where its first row starts: spreadsheets can write a line such as `sep=;` first. */
export function findSeparator(text: string): { separator: Separator; start: number } {
  const given = /^sep=([,;\t])\r?\n/i.exec(text)
  const start = given?.[0].length ?? 0
  const named = SEPARATORS.find((each) => each === given?.[1])
  if (named !== undefined) return { separator: named, start }
  const [line = ''] = text
    .slice(start, start + 100_000)
    .trimStart()
    .split(/[\r\n]/, 1)
  const bare = line.replace(/"(?:[^"]|"")*"/g, '')
  const count = (each: Separator) => bare.split(each).length
  const separator = SEPARATORS.reduce((best, each) => (count(each) > count(best) ? each : best))
  return { separator, start }
}

/**
 * The rows of a CSV text (RFC 4180), also with semicolons or tabs, without empty ones. A quote that does not end takes the rest
 * of its line, so that one damaged row costs itself: it has too few cells.
 */
export function* parseCsv(text: string): Generator<string[]> {
  const { separator, start: first } = findSeparator(text)
  const code = separator.charCodeAt(0)
  let row: string[] = []
  let position = first
  for (;;) {
    let field: string
    if (text[position] === '"') {
      const end = endOfQuotes(text, position + 1)
      const last = end === -1 ? endOfLine(text, position) : end
      field = text.slice(position + 1, last).replaceAll('""', '"')
      position = end === -1 ? last : end + 1
    } else {
      const start = position
      while (position < text.length && !isEnd(text.charCodeAt(position), code)) position++
      field = text.slice(start, position)
    }
    row.push(separator === ',' ? field.trim() : toPoint(field.trim()))
    const next = text[position]
    // What follows a quote up to the separator is no field of its own.
    if (next !== undefined && !isEnd(next.charCodeAt(0), code)) {
      while (position < text.length && !isEnd(text.charCodeAt(position), code)) position++
    }
    if (text[position] === separator) {
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

function endOfLine(text: string, from: number): number {
  const length = text.slice(from).search(/[\r\n]/)
  return length === -1 ? text.length : from + length
}

function endOfQuotes(text: string, from: number): number {
  let end = text.indexOf('"', from)
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2)
  return end
}

/** A separator, or the end of a line. */
function isEnd(code: number, separator: number): boolean {
  return code === separator || code === 0x0a || code === 0x0d
}

/** Where semicolons separate cells, commas are those of numbers: `0,5`. */
function toPoint(cell: string): string {
  return /^-?\d+,\d+$/.test(cell) ? cell.replace(',', '.') : cell
}

/** The name of a column, from its cell in the first row: some tools write a # before the first. */
export function columnName(cell: string): string {
  return cell.replace(/^#/, '').toLowerCase()
}

/**
 * Rows as functions from the name of a column, in any case, to its cell: undefined without the column, empty where the row is
 * too short. The first row has the names.
 */
export function* parseCsvTable(text: string): Generator<(column: string) => string | undefined> {
  let columns: ReadonlyMap<string, number> | undefined
  for (const row of parseCsv(text)) {
    if (columns === undefined) columns = new Map(row.map((cell, index) => [columnName(cell), index]))
    else {
      const known = columns
      yield (column) => {
        const index = known.get(column.toLowerCase())
        return index === undefined ? undefined : (row[index] ?? '')
      }
    }
  }
}
