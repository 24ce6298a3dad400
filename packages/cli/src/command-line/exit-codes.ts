/** The exit codes of all commands, except `dev` and `exec`, which exit as the program that they run. */
export const EXIT_CODES = {
  ok: 0,
  /** The command worked, but its result is negative: a job failed, a trainer was rejected, a check found errors. */
  negative: 1,
  usage: 2,
  failed: 3,
  /** What a shell reports for a program that was ended by Ctrl-C. */
  interrupted: 130,
} as const
