import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** Folders of system programs that are missing in the PATH of some users. */
const SYSTEM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin']

/**
 * Finds a program in the server's own PATH, and returns its absolute path. Trainers have another PATH, so nothing that the
 * launcher starts for them is looked up there. Undefined: it does not exist.
 */
export function findTool(name: string, path: string | undefined = process.env.PATH): string | undefined {
  if (isAbsolute(name)) return isProgram(name) ? name : undefined
  const own = (path ?? '').split(delimiter).filter(isAbsolute)
  const folders = path === undefined || own.length === 0 ? SYSTEM_FOLDERS : [...own, ...SYSTEM_FOLDERS]
  return [...new Set(folders)].map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
