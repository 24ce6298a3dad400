import type { SettingsError } from './settings-messages.ts'

const TYPES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

/** What a setting must be, in words: the page, the command line and the API show it as it is. */
export function describeSettingError({ keyword, params, message }: SettingsError): string {
  const { limit } = params
  switch (keyword) {
    case 'type': {
      const types = [params.type].flat().map(String)
      return `must be ${types.map((type) => TYPES[type] ?? type).join(' or ')}`
    }
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'exclusiveMinimum':
      return `must be more than ${limit}`
    case 'exclusiveMaximum':
      return `must be less than ${limit}`
    case 'multipleOf':
      return `must be a multiple of ${params.multipleOf}`
    case 'minLength':
      return `must have at least ${count(limit, 'character')}`
    case 'maxLength':
      return `must have at most ${count(limit, 'character')}`
    case 'minItems':
      return `must have at least ${count(limit, 'item')}`
    case 'maxItems':
      return `must have at most ${count(limit, 'item')}`
    case 'uniqueItems':
      return 'must not have an item twice'
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`
    case 'pattern':
      return `must match the pattern ${params.pattern}`
    case 'dependentRequired':
      return `requires the setting ${params.missingProperty}`
    default:
      return message ?? `fails "${keyword}"`
  }
}

const count = (limit: unknown, noun: string): string => `${limit} ${noun}${limit === 1 ? '' : 's'}`
