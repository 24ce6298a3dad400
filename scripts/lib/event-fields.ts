import { z } from 'zod'
import { CHILD_EVENTS } from '../../packages/sdk/src/exec/child-event.ts'

/** A JSON Schema, as far as the fields of events use it. */
interface Schema {
  type?: string
  description?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  minimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
  minItems?: number
  items?: Schema | false
  prefixItems?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
}

const BEGIN = '<!-- generated from the schema: fields of events -->'
const END = '<!-- end of the generated table -->'

/** The page with the table of all fields of all events in place of the one between its two comments. */
export function withEventFields(page: string, spelling: 'json' | 'python'): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`the page has no comments ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n\n${eventFields(spelling)}\n\n${END}${after}`
}

function eventFields(spelling: 'json' | 'python'): string {
  const rows = Object.entries(CHILD_EVENTS).flatMap(([event, schema]) => {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Schema
    return Object.entries(properties)
      .filter(([name]) => name !== 'type')
      .map(([name, field], index) => {
        const shown = spelling === 'json' ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
        const need = required.includes(name) ? 'required' : ''
        return [index === 0 ? `\`${event}\`` : '', `\`${shown}\``, typeOf(field), need]
      })
  })
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(['event', 'field', 'type', '']), line(['---', '---', '---', '---']), ...rows.map(line)].join('\n')
}

function typeOf(field: Schema): string {
  const { description } = field
  const type = bareTypeOf(field)
  return (description === undefined ? type : `${type}. ${description}`).replaceAll('|', '\\|')
}

function bareTypeOf(field: Schema): string {
  const { type, anyOf, minimum, maximum, maxLength, maxItems, items, prefixItems, properties, required = [] } = field
  if (field.enum !== undefined) return field.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (anyOf !== undefined) return anyOf.map((one) => bareTypeOf(one)).join(', ')
  switch (type) {
    case 'integer':
      return 'whole number from 0'
    case 'number':
      if (minimum === undefined) return 'number'
      return maximum === undefined ? `number from ${minimum}` : `number from ${minimum} to ${maximum}`
    case 'boolean':
      return '`true`, `false`'
    case 'string':
      return maxLength === undefined ? 'text' : `text of at most ${maxLength} characters`
    case 'array': {
      const each = prefixItems?.[0] ?? (items === false ? undefined : items)
      const count = prefixItems?.length ?? (field.minItems === maxItems ? maxItems : undefined)
      const most = count === undefined && maxItems !== undefined ? `, at most ${maxItems}` : ''
      return `list of ${count === undefined ? '' : `${count} `}(${each === undefined ? 'values' : bareTypeOf(each)})${most}`
    }
    case 'object': {
      if (properties === undefined) return namesTo(field.additionalProperties)
      const parts = Object.entries(properties).map(
        ([name, part]) => `\`${name}\`${required.includes(name) ? '' : '?'}: ${typeOf(part)}`,
      )
      return `object with ${parts.join('; ')}`
    }
    default:
      return 'any value'
  }
}

function namesTo(value: Schema | boolean | undefined): string {
  if (typeof value !== 'object' || Object.keys(value).length === 0) return 'object'
  return `object: name → ${bareTypeOf(value)}`
}
