/** Pages of an OpenAPI document: one for each tag, with every operation, its parameters, body and answers. */
import { kebab } from './kebab.ts'
import { cell, fieldTable, type JsonSchema, typeOf } from './schema-table.ts'

export interface OpenApi {
  info: { title: string; description?: string | undefined }
  paths: Record<string, Record<string, Operation>>
  components?: { parameters?: Record<string, Parameter>; schemas?: Record<string, JsonSchema> } | undefined
}

interface Operation {
  tags?: string[]
  summary?: string
  description?: string
  parameters?: (Parameter | { $ref: string })[]
  requestBody?: { content: Record<string, { schema?: JsonSchema }> }
  responses?: Record<string, { description: string; content?: Record<string, { schema?: JsonSchema }> }>
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: JsonSchema
}

/** Markdown by file name: `runner-jobs.md`. */
export function httpApiPages(name: string, api: OpenApi): Map<string, string> {
  const byTag = new Map<string, string[]>()
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (operation.responses === undefined) continue
      const tag = operation.tags?.[0] ?? 'Other'
      const list = byTag.get(tag) ?? []
      byTag.set(tag, list)
      list.push(describe(`${method.toUpperCase()} ${path}`, operation, api))
    }
  }
  return new Map(
    [...byTag].map(([tag, list]) => {
      const heading = `# ${api.info.title.replace('Trainyard ', '').replace(/^./, (first) => first.toUpperCase())} API: ${tag.toLowerCase()}`
      const intro = `${api.info.description ?? ''} The whole document is [\`${name}.json\`](../../../openapi/${name}.json). Each platform shows its operations at \`/openapi\`, with forms that send them.`
      return [`${name}-${kebab(tag)}.md`, `${heading}\n\n${intro.trim()}\n\n${list.join('\n')}`]
    }),
  )
}

function describe(line: string, operation: Operation, api: OpenApi): string {
  const parameters = (operation.parameters ?? []).flatMap((each) => resolve(each, api))
  const body = Object.entries(operation.requestBody?.content ?? {})
  return [
    `## ${operation.summary ?? line}\n`,
    `\`\`\`http\n${line}\n\`\`\`\n`,
    operation.description === undefined ? '' : `${operation.description}\n`,
    parameters.length === 0 ? '' : `${parameterTable(parameters)}\n`,
    ...body.map(([type, { schema }]) => `Body, \`${type}\`${schemaText(schema, api)}\n`),
    `| status | answer |\n| --- | --- |\n${answers(operation)}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function resolve(parameter: Parameter | { $ref: string }, api: OpenApi): Parameter[] {
  if (!('$ref' in parameter)) return [parameter]
  const found = api.components?.parameters?.[parameter.$ref.split('/').at(-1) ?? '']
  return found === undefined ? [] : [found]
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, in: place, required, description, schema }) => {
    const meaning = description ?? schema?.description ?? ''
    return `| \`${name}\` | ${place} | ${schema === undefined ? '' : typeOf(schema)} | ${required ? 'yes' : ''} | ${cell(meaning)} |`
  })
  return `| parameter | in | type | required | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}`
}

function schemaText(schema: JsonSchema | undefined, api: OpenApi): string {
  if (schema === undefined) return '.'
  const name = schema.$ref?.split('/').at(-1)
  const named = name === undefined ? '' : `: [\`${name}\`](../../../schemas/${kebab(name)}.json)`
  const resolved = name === undefined ? schema : api.components?.schemas?.[name]
  const table = resolved?.properties === undefined ? '' : `\n\n${fieldTable(resolved)}`
  return `${named}${table}`
}

function answers(operation: Operation): string {
  return Object.entries(operation.responses ?? {})
    .map(([status, { description, content }]) => {
      const types = Object.entries(content ?? {}).map(([type, { schema }]) => {
        const name = schema?.$ref?.split('/').at(-1)
        if (name === undefined) return `\`${type}\``
        return name === 'Problem'
          ? '[problem](../../../problems/README.md)'
          : `[\`${name}\`](../../../schemas/${kebab(name)}.json)`
      })
      return `| ${status} | ${cell(description)}${types.length === 0 ? '' : `: ${types.join(', ')}`} |`
    })
    .join('\n')
}
