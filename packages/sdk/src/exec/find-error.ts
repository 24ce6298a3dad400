/** The error that ended a program, as far as its standard error tells. */
export interface FoundError {
  /** As the program named it, for example `torch.OutOfMemoryError`. */
  type?: string | undefined
  /** With the type in front, as the program wrote it. */
  message: string
  traceback: string
}

/** In front of the lines of one process of several: `[rank0]: …`, `[default1]:…`. */
const RANK = /^\[(?:rank|default)?\d+\]:\s?/
const HEADER = /^(\s*)(?:traceback\s*: )?(?:\+ Exception Group )?(?:Original )?Traceback \(most recent call last\):\s*$/
const EXCEPTION = /^((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::\s?(.*))?$/
/** What starts others and reports only that they failed. */
const LAUNCHER = /(?:^|\.)(?:ChildFailedError|CalledProcessError|SystemExit|ProcessExitedException)$/
/** Follows when another process has failed. */
const CONSEQUENCE =
  /(?:^|\.)(?:DistBackendError|DistNetworkError|BrokenPipeError|ConnectionResetError|EOFError|KeyboardInterrupt)$/
/** Before the traceback of an error that did not end the program. */
const IGNORED = /^Exception ignored |^Error in atexit\._run_exitfuncs|^Error in sys\.excepthook/
const CHAINED = /^(?:The above exception was the direct cause|During handling of the above exception)/

interface PythonError {
  type: string
  message: string
  start: number
  end: number
}

/** Finds the error in the last lines of standard error. Undefined: they have no text. */
export function findError(lines: readonly string[]): FoundError | undefined {
  const all = pythonErrors(lines)
  const own = all.filter(({ type }) => !LAUNCHER.test(type))
  const found = own.findLast(({ type }) => !CONSEQUENCE.test(type)) ?? own.at(-1)
  if (found !== undefined) {
    const { type, message, end } = found
    return { type, message, traceback: lines.slice(startOfChain(lines, all, found), end + 1).join('\n') }
  }
  const message = findMessage(lines)
  if (message === undefined) return undefined
  return { type: EXCEPTION.exec(message)?.[1], message, traceback: lines.join('\n') }
}

function pythonErrors(lines: readonly string[]): PythonError[] {
  return lines.flatMap((line, start) => {
    const [rank = ''] = RANK.exec(line) ?? []
    const indent = HEADER.exec(line.slice(rank.length))?.[1]
    if (indent === undefined || IGNORED.test(lines[start - 1] ?? '')) return []
    const error = endOfTraceback(lines, { start, rank, indent })
    return error === undefined ? [] : [error]
  })
}

/** The first line after the frames that is not indented more than the header. Lines of other processes are between them. */
function endOfTraceback(
  lines: readonly string[],
  { start, rank, indent }: { start: number; rank: string; indent: string },
): PythonError | undefined {
  for (let at = start + 1; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (!line.startsWith(rank)) continue
    const text = line.slice(rank.length).replace(/^(\s*)\| ?/, '$1')
    const inner = text.startsWith(indent) ? text.slice(indent.length) : text
    if (HEADER.test(text)) return undefined
    if (/^\s/.test(inner)) continue
    const [whole, type] = EXCEPTION.exec(inner) ?? []
    if (whole === undefined || type === undefined) continue
    return {
      type,
      message: whole.endsWith(':') ? `${whole} ${(lines[at + 1] ?? '').trim()}`.trim() : whole,
      start,
      end: at,
    }
  }
  return undefined
}

/** An exception that was raised because of another is shown after it. */
function startOfChain(lines: readonly string[], all: readonly PythonError[], { start }: PythonError): number {
  const before = all.findLast(({ end }) => end < start)
  if (before === undefined) return start
  const between = lines.slice(before.end + 1, start)
  const isChained = between.some((line) => CHAINED.test(line.replace(RANK, ''))) || /Original /.test(lines[start] ?? '')
  return isChained ? startOfChain(lines, all, before) : start
}

/** Lines that other languages and tools end with, and where their message is. */
const MESSAGES: readonly { pattern: RegExp; follows?: RegExp }[] = [
  // Node: the frames follow.
  { pattern: /^(?:Uncaught )?(\w*(?:Error|Exception)(?: \[\w+\])?: .+)$/, follows: /^\s+(?:at |\[?errno|code:)/ },
  { pattern: /^Exception in thread ".*?" (.+)$/ },
  { pattern: /^thread '.*' panicked at '(.+)'/ },
  { pattern: /^(panic: .+)$/ },
  { pattern: /^\s*what\(\):\s*(.+)$/ },
  { pattern: /^(ERROR: .+)$/ },
  { pattern: /^(Error(?: in .+?)? ?: .+)$/ },
  { pattern: /^([\w./-]+: error: .+)$/ },
  { pattern: /^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?:: .*)?)$/ },
]
const NOISE =
  /^[\W_]*$|Warning: |^\s*warnings?\.warn\(|^note: |^Execution halted|\d%\||^Node\.js v|^\s+at |^E\d{4} |^\[?W\d{4} |^Aborted|^Stacktrace:|^goroutine |^\s/

function findMessage(lines: readonly string[]): string | undefined {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at] ?? ''
    if (/^thread '.*' panicked at .*:$/.test(line)) return (lines[at + 1] ?? line).trim()
    for (const { pattern, follows } of MESSAGES) {
      const [, message] = pattern.exec(line) ?? []
      if (message !== undefined && (follows === undefined || follows.test(lines[at + 1] ?? ''))) return message.trim()
    }
  }
  const last = lines.findLast((line) => !NOISE.test(line)) ?? lines.findLast((line) => line.trim() !== '')
  return last?.trim()
}
