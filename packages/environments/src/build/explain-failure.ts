import { formatBytes } from '@trainyard/contract/format'
import type { Dependencies } from '../dependencies/read-dependencies.ts'
import { findPackage } from '../dependencies/requirements.ts'
import { EnvironmentError, type EnvironmentErrorCode } from '../errors.ts'

/** Of uv's report. Enough for the resolver's reasons and the end of a compiler's output. */
const MAX_OUTPUT_CHARACTERS = 4000

interface Kind {
  code: EnvironmentErrorCode
  pattern: RegExp
  /** `$1` is the package. */
  describe(name: string | undefined, output: string): string
}

const NAME = '`?([A-Za-z0-9][\\w.-]*?)(?:==[^\\s`]*)?`?'

/** The first kind whose pattern matches. */
const KINDS: readonly Kind[] = [
  {
    code: 'no_space',
    // uv names the package before it.
    pattern:
      /(?:[(`]([\w.-]+)==[^)`\s]+[)`](?:(?![(`][\w.-]+==)[\s\S])*?)?(?:No space left on device|os error 28|Disk quota exceeded)/,
    describe: (name) =>
      `the disk is full${name === undefined ? '' : `, while "${name}" was installed`}. Free space, or declare fewer or smaller packages`,
  },
  {
    code: 'hash_mismatch',
    pattern: new RegExp(`(?:Hash mismatch for|no trusted hash was provided for:?)\\s+${NAME}(?:\\s|$)`, 'i'),
    describe: (name, output) =>
      /mismatch/i.test(output)
        ? `the file of "${name}" on the index has another hash than the one in the lock. Lock again, and find out why it changed`
        : `"${name}" has no hash, but other packages have one. Give every package a hash, for example with "uv pip compile --generate-hashes"`,
  },
  {
    code: 'hash_mismatch',
    pattern: /Invalid hash/i,
    describe: () => 'a hash is not valid. Create the hashes with "uv pip compile --generate-hashes"',
  },
  {
    code: 'build_failed',
    pattern: new RegExp(`Failed to (?:download and )?build\\s+${NAME}(?:\\s|$)`),
    describe: (name, output) => {
      const compiler = missingCompiler(output)
      const what = `"${name}" has no wheel for this Python, and its source could not be built`
      return compiler === undefined
        ? `${what}. Choose a version that has a wheel`
        : `${what}: it needs the compiler "${compiler}", which environments do not have. Choose a version that has a wheel, or publish an image`
    },
  },
  {
    code: 'build_failed',
    // Only where no source may be built.
    pattern: new RegExp(`${NAME} has no (?:usable wheels|wheels with a matching)`),
    describe: (name) =>
      `"${name}" has no wheel for the Python and the platform of the image. Choose a version that has one, or build the image with a Dockerfile`,
  },
  {
    code: 'unresolvable',
    pattern: new RegExp(`Because ${NAME} was not found in the package registry`),
    describe: (name) => `the package "${name}" does not exist on the package indexes`,
  },
  {
    code: 'unresolvable',
    pattern: new RegExp(`(?:Because )?there is no version of ${NAME}(?:\\s|$)`),
    describe: (name) => `the package index has no such version of "${name}"`,
  },
  {
    code: 'unresolvable',
    pattern: /requires-python|current Python version|does not satisfy Python/i,
    describe: () => 'a package needs another version of Python. Change "runtime.python", or the package',
  },
  {
    code: 'unresolvable',
    pattern: /No solution found/,
    describe: () => 'the dependencies contradict each other',
  },
  {
    code: 'index_refused',
    pattern: /HTTP status client error \((?:401|403|407)[^)]*\)/,
    describe: (_, output) =>
      `the package index refuses access (${urlOf(output) ?? 'no address'}). An operator can put a user name and a password into PYTHON_INDEX_URL`,
  },
  {
    code: 'index_unreachable',
    pattern: /Failed to fetch|error sending request|Request failed after|dns error|timed out|Could not connect/i,
    describe: (_, output) => `the package index does not answer (${urlOf(output) ?? 'no address'})`,
  },
  {
    code: 'dependencies_invalid',
    pattern: /Couldn't parse|Failed to parse|Unable to find lockfile|TOML parse error|Unsupported/i,
    describe: () => 'the file cannot be read',
  },
]

/** Finds out what uv's report means, and which package and line are at fault. */
export function explainFailure(
  report: string,
  { dependencies, addresses, exit }: { dependencies: Dependencies; addresses: readonly string[]; exit: string },
): EnvironmentError {
  const output = report.trim().slice(-MAX_OUTPUT_CHARACTERS)
  const refused = refusedHost(report, addresses)
  if (refused !== undefined) {
    const name = /(?:download|build|fetch) `([A-Za-z0-9][\w.-]*)/.exec(report)?.[1]
    const place = findPlace(dependencies, name, output)
    const message = `a package comes from ${refused}, which is not a package index of this platform. Use a package of an index, or ask an operator to add the host to PYTHON_INDEX_URL or PYTHON_INDEX_HOSTS`
    return new EnvironmentError('host_refused', message, { package: name, file: place.file, line: place.line, output })
  }
  for (const { code, pattern, describe } of KINDS) {
    const match = pattern.exec(report)
    if (match === null) continue
    const name = match[1]
    const place = findPlace(dependencies, name, output)
    return new EnvironmentError(code, describe(name, report), {
      package: name,
      file: place.file,
      line: place.line,
      output,
    })
  }
  return new EnvironmentError('failed', `the dependencies could not be installed (uv ended ${exit})`, {
    file: dependencies.file,
    output,
  })
}

/** The error of a build that needs too much space, with the largest package that uv has begun to download. */
export function blameLargest(error: EnvironmentError, report: string, dependencies: Dependencies): EnvironmentError {
  const sizes = [...report.matchAll(/^\s*Downloading ([\w.-]+) \(([\d.]+)([KMG])iB\)/gm)].map(
    ([, name = '', size, unit = '']) => ({ name, bytes: Number(size) * 1024 ** ('KMG'.indexOf(unit) + 1) }),
  )
  const [largest] = sizes.sort((a, b) => b.bytes - a.bytes)
  if (largest === undefined) return error
  const { name, bytes } = largest
  const { file, line } = findPlace(dependencies, name, '')
  return new EnvironmentError(
    error.code,
    `${error.summary}. The largest package is "${name}", with a download of ${formatBytes(bytes)}`,
    { package: name, file, line },
  )
}

/** Where the package is declared; else the line that uv itself names, or the first declared package that it names. */
function findPlace(
  { files, file, kind }: Dependencies,
  name: string | undefined,
  output: string,
): { file: string; line?: number | undefined } {
  const shown = (place: { file: string; line: number }) =>
    // Of an inline script, uv gets only the block.
    kind === 'inline' ? { file } : place
  if (name !== undefined) {
    const place = findPackage(files, name)
    if (place !== undefined) return shown(place)
  }
  const [, known, line] = /`?([\w./-]+)`?(?: at line |:)(\d+)/.exec(output) ?? []
  if (known !== undefined && files.has(known)) return shown({ file: known, line: Number(line) })
  const quoted = output.split('\n').find((one) => /^\s+\S/.test(one) && lineOf(files, one.trim()) !== undefined)
  const place = quoted === undefined ? undefined : lineOf(files, quoted.trim())
  if (place !== undefined) return shown(place)
  for (const [, candidate = ''] of output.matchAll(
    /you require (?:[\w.-]+(?:[=<>~!]\S+)? and )*([A-Za-z0-9][\w.-]*)/g,
  )) {
    const found = findPackage(files, candidate)
    if (found !== undefined) return shown(found)
  }
  return { file }
}

function lineOf(files: ReadonlyMap<string, string>, text: string): { file: string; line: number } | undefined {
  for (const [file, content] of files) {
    const index = content.split('\n').findIndex((line) => line.trim() === text)
    if (index >= 0) return { file, line: index + 1 }
  }
  return undefined
}

function missingCompiler(output: string): string | undefined {
  return (
    /No such file or directory: '([\w+.-]+)'/.exec(output)?.[1] ??
    /command '([^']+)' failed: No such file/.exec(output)?.[1] ??
    /(?:unable to execute|error: Unable to find|^\/bin\/sh: \d+:) '?((?:\w+-)*(?:gcc|g\+\+|cc|c\+\+|clang|nvcc|rustc|cargo|cmake|make|ninja))\b/m.exec(
      output,
    )?.[1] ??
    /(?:Unknown compiler|No (?:CMAKE_\w+_)?COMPILER)/i.exec(output)?.[0]
  )
}

function urlOf(output: string): string | undefined {
  const text = /https?:\/\/[^\s`)>]+/.exec(output)?.[0]
  const url = text === undefined ? null : URL.parse(text)
  return url === null ? undefined : url.origin
}

/** The host that the sandbox’s proxy refused. Undefined: it was an index, or the failure is another one. */
function refusedHost(output: string, addresses: readonly string[]): string | undefined {
  if (!/\b403\b|tunnel|proxy/i.test(output)) return undefined
  const text = /https?:\/\/[^\s`)>]+/.exec(output)?.[0]
  const url = text === undefined ? null : URL.parse(text)
  if (url === null) return undefined
  const address = `${url.hostname}:${url.port || (url.protocol === 'http:' ? 80 : 443)}`
  return addresses.includes(address) ? undefined : url.host
}
