/** What went wrong with an environment. Everything but `index_unreachable`, `no_space` and `timeout` happens again at the next try. */
export type EnvironmentErrorCode =
  | 'uv_missing'
  | 'python_missing'
  | 'dependencies_invalid'
  | 'unresolvable'
  | 'hash_mismatch'
  | 'host_refused'
  | 'index_refused'
  | 'index_unreachable'
  | 'build_failed'
  | 'no_space'
  | 'timeout'
  | 'failed'

const TRANSIENT: ReadonlySet<EnvironmentErrorCode> = new Set(['index_unreachable', 'no_space', 'timeout'])

export interface EnvironmentErrorOptions {
  /** The package at fault. */
  package?: string | undefined
  /** In the trainer's folder. */
  file?: string | undefined
  /** Starts at 1. */
  line?: number | undefined
  /** What uv reports. */
  output?: string | undefined
  cause?: unknown
}

/** Thrown when an environment cannot be made. The message says what to change; it begins with file and line, if they are known. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code: EnvironmentErrorCode
  readonly package: string | undefined
  readonly file: string | undefined
  readonly line: number | undefined
  readonly output: string | undefined
  /** The message without what uv reports. For a place that has shown the lines of uv already. */
  readonly summary: string

  constructor(code: EnvironmentErrorCode, message: string, options: EnvironmentErrorOptions = {}) {
    const { file, line, output } = options
    const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `
    const summary = `${place}${message}`
    super(`${summary}${output ? `\n${output}` : ''}`, { cause: options.cause })
    this.summary = summary
    this.code = code
    this.package = options.package
    this.file = file
    this.line = line
    this.output = output
  }

  /** Whether another try can succeed without a change of the trainer. */
  get isTransient(): boolean {
    return TRANSIENT.has(this.code)
  }
}
