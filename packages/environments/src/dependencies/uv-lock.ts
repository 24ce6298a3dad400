import { EnvironmentError } from '../errors.ts'

/** Refuses packages of a lock file that do not come from an index, except for the trainer’s own project. */
export function checkUvLock(text: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    const [, kind, source] = /^source = \{ (editable|directory|path|git|virtual) = "([^"]*)"/.exec(line) ?? []
    if (kind === undefined || ((kind === 'editable' || kind === 'virtual') && source === '.')) continue
    const name = /^name = "([^"]+)"/m.exec(
      text
        .split('\n')
        .slice(Math.max(0, index - 2), index)
        .join('\n'),
    )?.[1]
    throw new EnvironmentError(
      'dependencies_invalid',
      `the package "${name}" comes from ${kind} "${source}". Only packages of an index can be installed`,
      { file: 'uv.lock', line: index + 1, package: name },
    )
  }
}
