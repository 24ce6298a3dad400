import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** One mistake in parsed input: where it is, and what the schema expects there. */
export interface DescribedIssue {
  path: PropertyKey[]
  detail: string
}

/**
 * Describes a zod issue in one sentence, for example "must be at least 1". A message that the schema's author wrote is
 * kept. An issue with a union becomes the issues of the branch with the fewest mistakes.
 */
export function describeIssue(issue: Issue, base: readonly PropertyKey[] = []): DescribedIssue[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'invalid_union' && isDefaultMessage(issue.message)) {
    // The branch with the fewest mistakes is the one that the author of the input meant.
    const closest = issue.errors.toSorted((a, b) => a.length - b.length)[0]
    if (closest !== undefined && closest.length > 0) return closest.flatMap((inner) => describeIssue(inner, path))
  }
  return [{ path, detail: isDefaultMessage(issue.message) ? expectation(issue) : issue.message }]
}

function isDefaultMessage(message: string): boolean {
  return /^(Invalid|Too small|Too big|Unrecognized key)/.test(message)
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return / received undefined$/.test(issue.message)
        ? `is required (${issue.expected})`
        : `must be ${article(issue.expected)}`
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${JSON.stringify(issue.values[0])}`
        : `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return `must ${issue.inclusive === false ? 'be more than' : 'be at least'} ${issue.minimum}${unit(issue.origin)}`
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`
    case 'invalid_format':
      return issue.format === 'regex' && issue.pattern !== undefined
        ? `must match ${issue.pattern}`
        : `must be a valid ${issue.format}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return unknownFields(issue.keys)
    default:
      return issue.message
  }
}

/** Names at most ten: the input can have any number of them. */
function unknownFields(keys: readonly string[]): string {
  const shown = keys.slice(0, 10).map((key) => `"${key.length > 100 ? `${key.slice(0, 99)}…` : key}"`)
  const more = keys.length > shown.length ? ` and ${keys.length - shown.length} more` : ''
  return `has unknown ${keys.length === 1 ? 'field' : 'fields'} ${shown.join(', ')}${more}`
}

function article(type: string): string {
  const name = type === 'int' ? 'integer' : type
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters long'
  if (origin === 'array' || origin === 'set') return ' items long'
  return ''
}
