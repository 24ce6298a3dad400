import { sep } from 'node:path'
import type { Sandbox } from './sandbox.ts'

/** Drops paths in other hidden folders: below an empty folder nothing is left to hide. */
export function outermost({ dirs, files }: Sandbox['hidden']): Sandbox['hidden'] {
  const isCovered = (path: string) => dirs.some((dir) => path.startsWith(dir === sep ? dir : dir + sep) && path !== dir)
  return {
    dirs: [...new Set(dirs)].filter((dir) => !isCovered(dir)),
    files: files.filter((file) => !isCovered(file)),
  }
}
