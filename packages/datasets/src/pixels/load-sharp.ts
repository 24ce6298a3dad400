import type sharp from 'sharp'
import { MissingPackageError } from '../errors.ts'

export type SharpModule = typeof sharp

/**
 * Loads sharp, an optional peer: most users of datasets never decode a picture. `task` begins the error for a missing
 * package, such as "Drawing a contact sheet". The name is an argument of `import`, because a bundler resolves
 * `import('sharp')`: a trainer could not be built without sharp, and sharp's native module cannot be bundled.
 */
export async function loadSharp(
  task: string,
  importPackage: (name: string) => Promise<{ default: SharpModule }> = (name) => import(name),
): Promise<SharpModule> {
  try {
    return (await importPackage('sharp')).default
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
      throw new MissingPackageError(task, 'sharp', error)
    throw error
  }
}
