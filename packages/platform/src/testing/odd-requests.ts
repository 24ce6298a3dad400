import fc from 'fast-check'
import { abysmalJson, oddHeader, oddUrlText } from './odd-values.ts'
import type { DocumentedRoute } from './open-api-routes.ts'
import { valuesOf } from './schema-values.ts'

export interface OddRequest {
  method: string
  /** With the query. */
  path: string
  headers: Record<string, string>
  body: string | null
}

/** How often each route or page is called, and with which seed. The variables ODD_RUNS and ODD_SEED change them. */
export const ODD_RUNS = {
  numRuns: Number(process.env.ODD_RUNS ?? 10),
  seed: Number(process.env.ODD_SEED ?? 20_261_129),
}

interface Parameter {
  in: string
  name: string
  schema?: Record<string, unknown>
}
interface Operation {
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, { schema?: Record<string, unknown> }> }
}

const HEADERS = ['accept', 'content-type', 'cookie', 'last-event-id', 'range', 'content-range', 'traceparent', 'origin']
/** Parameters that some routes read without a description. */
const USUAL_QUERY = ['cursor', 'limit', 'n', 'last', 'after', 'artifactType', 'from', 'mount', 'digest', 'tag', 'page']

/**
 * Requests of a route of an OpenAPI document in which any parameter, header and field can be odd. `values` are usual values of
 * path parameters.
 */
export function oddRequests(
  document: Record<string, unknown>,
  { method, path }: Pick<DocumentedRoute, 'method' | 'path'>,
  values: Readonly<Record<string, string>>,
): fc.Arbitrary<OddRequest> {
  const paths = document.paths as Record<string, Record<string, Operation>> | undefined
  const { parameters = [], requestBody } = paths?.[path]?.[method.toLowerCase()] ?? {}
  const documented = parameters.filter((parameter) => parameter.in === 'query')
  const query = fc.array(
    fc.oneof(...documented.map((parameter) => usualPair(parameter, document)), oddPair(documented)),
    {
      maxLength: 3,
    },
  )
  const schema = requestBody?.content?.['application/json']?.schema
  const isReading = method === 'GET' || method === 'HEAD'
  const json = schema === undefined ? abysmalJson : valuesOf(schema, { document, odd: abysmalJson })
  const broken = fc.constantFrom('', '{', '\u0000', '\ud800', '{"a":1}{')
  const body = isReading
    ? fc.constant(null)
    : fc.oneof({ weight: 20, arbitrary: json }, { weight: 1, arbitrary: broken })
  const odd = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.tuple(fc.constantFrom(...HEADERS), oddHeader)),
  )
  return fc.tuple(oddPaths(path, values), query, odd, body).map(([filled, pairs, oddHeaders, text]) => ({
    method,
    path: pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`,
    headers: { 'content-type': 'application/json', ...Object.fromEntries(oddHeaders) },
    body: text,
  }))
}

/** A path of a template with `{name}` or `:name`, mostly with the usual value of each parameter. */
export function oddPaths(template: string, values: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const parts = template.split('/').map((part) => {
    const name = /^(?:\{(\w+)\}|:(\w+))$/.exec(part)?.slice(1).find(Boolean)
    if (name === undefined) return fc.constant(part)
    const value = values[name]
    const odd = oddUrlText.map((text) => text || '-')
    return value === undefined
      ? odd
      : fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: odd })
  })
  return fc.tuple(...parts).map((filled) => filled.join('/'))
}

function usualPair({ name, schema = {} }: Parameter, document: Record<string, unknown>): fc.Arbitrary<string> {
  return valuesOf(schema, { document, odd: fc.constant('"odd"') }).map((value) => {
    const text = value.startsWith('"') ? (JSON.parse(value) as string) : value
    return `${encodeURIComponent(name)}=${encodeURIComponent(text.toWellFormed())}`
  })
}

/** One parameter of a query, for example `cursor=%00`. */
export function oddPair(documented: readonly { name: string }[]): fc.Arbitrary<string> {
  const names = fc.constantFrom(...documented.map(({ name }) => encodeURIComponent(name)), ...USUAL_QUERY)
  return fc.tuple(fc.oneof({ weight: 15, arbitrary: names }, oddUrlText), oddUrlText).map((pair) => pair.join('='))
}
