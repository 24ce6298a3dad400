import { z } from 'zod'

const Schema = z.looseObject({})
type Schema = z.infer<typeof Schema>

const Parameter = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header', 'cookie']),
  required: z.boolean().default(false),
  description: z.string().optional(),
  schema: Schema.optional(),
})
const Reference = z.object({ $ref: z.string() })
const Content = z.record(z.string(), z.looseObject({ schema: Schema.optional() }))
const Method = z.enum(['get', 'put', 'post', 'delete', 'patch', 'head'])

const OperationObject = z.looseObject({
  tags: z.array(z.string()).default([]),
  summary: z.string().optional(),
  description: z.string().optional(),
  parameters: z.array(z.union([Reference, Parameter])).default([]),
  requestBody: z.looseObject({ content: Content }).optional(),
})

/** What the page needs of an OpenAPI 3.1 document. */
export const OpenApiDocument = z.looseObject({
  paths: z.record(z.string(), z.partialRecord(Method, OperationObject)).default({}),
  components: z
    .looseObject({
      parameters: z.record(z.string(), Parameter).default({}),
      schemas: z.record(z.string(), Schema).default({}),
    })
    .optional(),
})
export type OpenApiDocument = z.infer<typeof OpenApiDocument>

export interface Operation {
  tag: string
  /** In capitals. */
  method: string
  /** With its parameters in braces. */
  path: string
  summary: string
  description: string | undefined
  parameters: { name: string; in: 'path' | 'query' | 'header'; isRequired: boolean; meaning: string }[]
  body: { contentType: string; example: string } | undefined
}

/** The operations of several documents, each once, ordered by tag and as their documents have them. */
export function readOperations(documents: readonly OpenApiDocument[]): Operation[] {
  const operations = new Map<string, Operation>()
  for (const document of documents)
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods)) {
        const key = `${method.toUpperCase()} ${path}`
        if (!operations.has(key)) operations.set(key, toOperation(method.toUpperCase(), path, operation, document))
      }
  return [...operations.values()].toSorted((a, b) => a.tag.localeCompare(b.tag, 'en'))
}

function toOperation(
  method: string,
  path: string,
  operation: z.infer<typeof OperationObject>,
  document: OpenApiDocument,
): Operation {
  const [body] = Object.entries(operation.requestBody?.content ?? {})
  return {
    tag: operation.tags[0] ?? 'Other',
    method,
    path,
    summary: operation.summary ?? `${method} ${path}`,
    description: operation.description,
    parameters: operation.parameters.flatMap((each) => {
      const found = Reference.safeParse(each).data
      const parameter =
        found === undefined ? Parameter.parse(each) : document.components?.parameters[nameOf(found.$ref)]
      // Browsers add cookies themselves.
      if (parameter === undefined || parameter.in === 'cookie') return []
      const { name, required: isRequired, description = '' } = parameter
      return [{ name, in: parameter.in, isRequired, meaning: description }]
    }),
    body:
      body === undefined
        ? undefined
        : { contentType: body[0], example: isJson(body[0]) ? exampleText(body[1].schema, document) : '' },
  }
}

const isJson = (contentType: string): boolean => /[/+]json\b/.test(contentType)
const nameOf = (reference: string): string => reference.split('/').at(-1) ?? ''

function exampleText(schema: Schema | undefined, document: OpenApiDocument): string {
  return JSON.stringify(schema === undefined ? {} : exampleOf(schema, document, 4), null, 2)
}

const SchemaParts = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  anyOf: z.array(Schema).optional(),
  oneOf: z.array(Schema).optional(),
  allOf: z.array(Schema).optional(),
  properties: z.record(z.string(), Schema).default({}),
  required: z.array(z.string()).default([]),
})

/** A value of the form of a schema: required fields alone, to edit. */
function exampleOf(schema: Schema, document: OpenApiDocument, depth: number): unknown {
  const parts = SchemaParts.parse(schema)
  if (parts.$ref !== undefined) {
    const target = document.components?.schemas[nameOf(parts.$ref)]
    return target === undefined || depth === 0 ? {} : exampleOf(target, document, depth - 1)
  }
  const known = [parts.examples?.[0], parts.const, parts.default, parts.enum?.[0]].find((value) => value !== undefined)
  if (known !== undefined) return known
  const [alternative] = parts.anyOf ?? parts.oneOf ?? parts.allOf ?? []
  if (alternative !== undefined) return exampleOf(alternative, document, depth)
  const type = Array.isArray(parts.type) ? parts.type[0] : parts.type
  if (type === 'array') return []
  if (type === 'string') return ''
  if (type === 'integer' || type === 'number') return 0
  if (type === 'boolean') return false
  if (depth === 0) return {}
  const fields = Object.entries(parts.properties).filter(([name]) => parts.required.includes(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(field, document, depth - 1)]))
}
