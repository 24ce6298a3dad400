type Version = readonly number[]

/** Whether a version of Python (`3.11.7`) satisfies all clauses of `versions`, for example `>=3.10,<3.13`. Without an operator, `3.12` includes its patch releases. */
export function satisfies(version: string, versions: string): boolean {
  return versions.split(',').every((clause) => satisfiesClause(parse(version), clause.trim()))
}

function satisfiesClause(version: Version, clause: string): boolean {
  const [, operator = '', text = '', wildcard] = /^(~=|===?|!=|<=|>=|<|>)?\s*(\d+(?:\.\d+)*)(\.\*)?$/.exec(clause) ?? []
  const expected = parse(text)
  const isPrefix = operator === '' || wildcard !== undefined
  const order = compare(isPrefix ? version.slice(0, expected.length) : version, expected)
  switch (operator) {
    case '':
    case '==':
    case '===':
      return order === 0
    case '!=':
      return order !== 0
    case '>=':
      return order >= 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '<':
      return order < 0
    // `~=3.10` is `>=3.10, ==3.*`; `~=3.10.2` is `>=3.10.2, ==3.10.*`.
    case '~=':
      return order >= 0 && compare(version.slice(0, expected.length - 1), expected.slice(0, -1)) === 0
    default:
      return false
  }
}

function parse(text: string): Version {
  return text.split('.').map(Number)
}

/** Missing parts count as 0. */
function compare(a: Version, b: Version): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** For sorting: the newest first. */
export const byNewest = (a: string, b: string): number => compare(parse(b), parse(a))
