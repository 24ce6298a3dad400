import { join } from 'node:path'
import { isSafeRelativePath } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/** Joins a path that a dataset names to its root. Throws `DatasetError` for one that would leave it. */
export function datasetPath(root: string, path: string, field: string): string {
  if (!isSafeRelativePath(path) || path.length > 1024) {
    const seen = JSON.stringify(path.slice(0, 200))
    throw new DatasetError(
      `${field} is ${seen}; wanted is a relative path without empty, "." or ".." parts, backslashes or control characters`,
    )
  }
  return join(root, path)
}
