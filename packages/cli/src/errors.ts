/** The command line is wrong. The message names the argument or option, its value and what is expected. */
export class UsageError extends Error {}

/** The user pressed Ctrl-C. */
export class InterruptedError extends Error {
  constructor() {
    super('interrupted')
  }
}
