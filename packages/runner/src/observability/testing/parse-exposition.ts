/** A value in Prometheus' text format. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)(?: (-?\\d+))?$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped'])

/**
 * Parses the format as strictly as Prometheus.
 *
 * @throws Error that names the line
 */
export function parseExposition(text: string): { samples: Sample[]; types: Map<string, string> } {
  if (!text.endsWith('\n')) throw new Error('the text must end with a newline')
  const samples: Sample[] = []
  const types = new Map<string, string>()
  const seen = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (what: string) => new Error(`line ${index + 1} ${what}: ${line}`)
    const [, kind, name = '', rest = ''] = /^# (TYPE|HELP) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'TYPE') {
      if (types.has(name)) throw fail('has a second type for a metric')
      if (!TYPES.has(rest)) throw fail('has an unknown type')
      types.set(name, rest)
    }
    if (line === '' || line.startsWith('#')) continue
    const parts = SAMPLE.exec(line)
    if (parts === null) throw fail('is not a sample')
    const [, sampleName = '', labelText = '', valueText = ''] = parts
    const labels = parseLabels(labelText)
    if (labels === undefined) throw fail('has invalid labels')
    const value = parseValue(valueText)
    if (value === undefined) throw fail('has an invalid value')
    const key = `${sampleName}${JSON.stringify(Object.entries(labels).sort())}`
    if (seen.has(key)) throw fail('is a duplicate')
    seen.add(key)
    samples.push({ name: sampleName, labels, value })
  }
  return { samples, types }
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const found = LABEL.exec(rest)
    if (found?.[1] === undefined || found[1] in labels) return undefined
    labels[found[1]] = (found[2] ?? '').replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))
    rest = rest.slice(found[0].length)
  }
  return labels
}

function parseValue(text: string): number | undefined {
  const special: Record<string, number> = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN, Nan: Number.NaN }
  if (text in special) return special[text]
  return Number.isNaN(Number(text)) ? undefined : Number(text)
}
