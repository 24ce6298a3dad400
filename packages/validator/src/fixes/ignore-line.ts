import { IGNORE_FILE_NAME } from '@trainyard/contract'
import type { FileEdit } from './file-edit.ts'

/** Adds a path to `.trainyardignore`, so that it is not published. The file itself stays. */
export function ignorePath(path: string): FileEdit {
  const line = `/${path}`
  return {
    file: IGNORE_FILE_NAME,
    edit(text) {
      if (text.split('\n').some((one) => one.trim() === line)) return text
      return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
    },
  }
}
