import { UsageError } from '../../command.ts'

/** Numbers of jobs; at least one, at most `most`. */
export function parseJobIds(positionals: readonly string[], most: number = Number.POSITIVE_INFINITY): number[] {
  if (positionals.length === 0) throw new UsageError('which job? Give its number')
  if (positionals.length > most) throw new UsageError(`${positionals.length} jobs are given: wanted is one`)
  return positionals.map((text) => {
    const id = /^#?\d{1,15}$/.test(text) ? Number(text.replace('#', '')) : 0
    if (id < 1) throw new UsageError(`the job is "${text}": wanted is a number such as 42`)
    return id
  })
}

export function parseJobId(positionals: readonly string[]): number {
  return parseJobIds(positionals, 1)[0] ?? 0
}
