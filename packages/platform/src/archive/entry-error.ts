import { TrainyardError } from '../errors.ts'

/** `unprocessable` for one entry of an archive: `entryError('a/b', 'is a symbolic link')`. */
export function entryError(name: string, problem: string): TrainyardError {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 199)}…` : name)
  return new TrainyardError('unprocessable', `The entry ${shown} ${problem}`, { extra: { entry: name.slice(0, 200) } })
}
