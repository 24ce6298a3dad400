import { posix } from 'node:path'
import { EnvironmentError } from '../errors.ts'

interface Requirements {
  files: Map<string, string>
  isHashed: boolean
  hasHashes: boolean
}

/**
 * Reads a requirements file and those that it includes (`-r`, `-c`). Refuses what is not a package of an index: folders and
 * repositories cannot be compared with a hash, and are out of reach of the build.
 */
export async function readRequirements(
  name: string,
  text: string,
  read: (name: string) => Promise<string | undefined>,
): Promise<Requirements> {
  const files = new Map([[name, text]])
  let requirements = 0
  let hashed = 0
  for (const [file, content] of files) {
    for (const { text: line, number } of logicalLines(content)) {
      const refuse = (message: string) => {
        throw new EnvironmentError('dependencies_invalid', message, { file, line: number })
      }
      const included = /^(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)/.exec(line)?.[1]
      if (included !== undefined) {
        const path = posix.join(posix.dirname(file), included)
        if (path.startsWith('..') || included.startsWith('/'))
          refuse(`"${included}" is outside of the trainer’s folder`)
        const other = files.get(path) ?? (await read(path))
        if (other === undefined) refuse(`"${included}" does not exist in the trainer’s folder`)
        else files.set(path, other)
        continue
      }
      if (
        /^(?:-e|--editable)\b/.test(line) ||
        /^\.{0,2}\//.test(line) ||
        /^\.$/.test(line) ||
        /(?:^|@\s*)file:/.test(line)
      )
        refuse(
          `"${line.slice(0, 100)}" is a folder. Only packages of an index can be installed; put own modules into the trainer’s folder`,
        )
      if (/(?:^|@\s*)(?:git|hg|svn|bzr)\+/.test(line))
        refuse(`"${line.slice(0, 100)}" is a repository. Only packages of an index can be installed`)
      if (line.startsWith('-')) continue
      requirements++
      if (line.includes('--hash=')) hashed++
    }
  }
  return { files, isHashed: hashed === requirements, hasHashes: hashed > 0 }
}

/** Lines without comments; those that end with a backslash are joined with the next one. */
function logicalLines(text: string): { text: string; number: number }[] {
  const lines: { text: string; number: number }[] = []
  let start: number | undefined
  let joined = ''
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '')
    start ??= index + 1
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `
      continue
    }
    const complete = (joined + line).trim()
    if (complete !== '') lines.push({ text: complete, number: start })
    start = undefined
    joined = ''
  }
  return lines
}

/** The first line of the files that names a package. Names are compared as indexes do: `Foo_Bar` is `foo-bar`. */
export function findPackage(
  files: ReadonlyMap<string, string>,
  name: string,
): { file: string; line: number } | undefined {
  const pattern = new RegExp(
    `(?<![A-Za-z0-9._-])${normalise(name).split('-').map(quoted).join('[-_.]+')}(?![A-Za-z0-9_-]|\\.[A-Za-z0-9])`,
    'i',
  )
  for (const [file, text] of files) {
    const line = text.split('\n').findIndex((one) => pattern.test(one))
    if (line >= 0) return { file, line: line + 1 }
  }
  return undefined
}

const normalise = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-')
const quoted = (text: string): string => text.replace(/[^a-z0-9]/g, '\\$&')
