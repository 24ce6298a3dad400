/** Thrown when the validator is used wrongly: the message names the value seen. The program exits with 2. */
export class UsageError extends Error {
  readonly code = 'usage'
  override name = 'UsageError'
}
