import type sharp from 'sharp'
import { MissingPackageError } from '../errors.ts'

export type SharpModule = typeof sharp

/**
 * Loads sharp, an optional peer: most users of datasets never decode a picture. `task` begins the error for a missing
 * package, such as "Drawing a contact sheet".
 */
export async function loadSharp(
  task: string,
  importSharp: () => Promise<{ default: SharpModule }> = () => import('sharp'),
): Promise<SharpModule> {
  try {
    return (await importSharp()).default
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
      throw new MissingPackageError(task, 'sharp', error)
    throw error
  }
}
