import { join } from 'node:path'
import { isSafeRelativePath } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/** Joins a path in a dataset to its root. Throws `DatasetError` for a path that leads out of the dataset. */
export function datasetPath(root: string, path: string, field: string): string {
  if (!isSafeRelativePath(path) || path.length > 1024) {
    const seen = JSON.stringify(path.slice(0, 200))
    throw new DatasetError(
      `${field} is ${seen}; expected a relative path without empty, "." or ".." parts, backslashes or control characters`,
    )
  }
  return join(root, path)
}
