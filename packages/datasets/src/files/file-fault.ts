import { DatasetError } from '@trainyard/contract/trainer-errors'

/**
 * What is wrong with one file of a dataset, from the error of reading it: its content, or what the file system answered.
 * Throws every other error again. A reader counts the fault and goes on with the next file.
 */
export function findFault(error: unknown, path: string): { text: string; isMissing: boolean } {
  if (error instanceof DatasetError) return { text: error.message, isMissing: false }
  if (!(error instanceof Error && 'code' in error)) throw error
  return { text: `"${path}" cannot be read (${error.code})`, isMissing: error.code === 'ENOENT' }
}
