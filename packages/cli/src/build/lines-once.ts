import { EnvironmentError } from '@trainyard/environments'

/**
 * Runs uv, whose report is in its lines and at the end of the error. Where the lines were shown, the error is without it.
 *
 * @param show Undefined: the lines are not shown
 * @throws Error which names file, line and package
 */
export async function withLinesOnce<T>(
  action: (onLine: (line: string) => void) => Promise<T>,
  show: ((line: string) => void) | undefined,
): Promise<T> {
  try {
    return await action((line) => show?.(line))
  } catch (error) {
    if (show === undefined || !(error instanceof EnvironmentError)) throw error
    throw new Error(error.summary, { cause: error })
  }
}
