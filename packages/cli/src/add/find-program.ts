import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { BRIDGE_PROGRAM } from '@trainyard/contract'
import { UsageError } from '../errors.ts'

/** What a trainer can have beside `train`. */
export type AddedOperation = 'predict' | 'export'

/** How a program reports to the platform. */
export type ProgramKind = 'javascript' | 'python-with-sdk' | 'python'

/** The program of an operation: its source and the command that runs it. */
export interface OperationProgram {
  kind: ProgramKind
  /** The source, relative to the trainer's folder. */
  file: string
  entrypoint: string[]
  /** Whether `file` must be built first. */
  isBuilt: boolean
}

const SCRIPT = /\.(?:py|[cm]?js|[cm]?ts)$/

/**
 * The program of `operation`: a file of its own beside the one that trains, which the same command runs. Throws {@link UsageError} for an
 * entry point without a script.
 */
export async function findProgram(
  dir: string,
  { entrypoints, bridge }: TrainerManifest,
  operation: AddedOperation,
): Promise<OperationProgram> {
  const command = entrypoints.train
  const at = command.findIndex((argument) => SCRIPT.test(argument))
  const script = command[at]
  if (script === undefined)
    throw new UsageError(
      `entrypoints.train of trainer.json is ${JSON.stringify(command)}: expected a program in JavaScript, TypeScript or Python. ` +
        `Add "entrypoints.${operation}" to trainer.json yourself`,
    )
  const target = beside(script, operation)
  const entrypoint = [...command.slice(0, at), target]
  if (script.endsWith('.py')) {
    if (bridge === undefined && command[0] !== BRIDGE_PROGRAM)
      throw new UsageError(
        'trainer.json has no "bridge", so its Python programs report on their own: add "bridge": {} to trainer.json, or ' +
          `"entrypoints.${operation}" yourself`,
      )
    const text = await readFile(join(dir, script), 'utf8').catch(() => '')
    const kind = text.includes('trainyard_sdk') ? 'python-with-sdk' : 'python'
    return { kind, file: target, entrypoint, isBuilt: false }
  }
  const source = target.replace(/^(?:\.\/)?dist\/(.*)\.js$/, 'src/$1.ts')
  const isBuilt = source !== target && existsSync(join(dir, 'src'))
  return { kind: 'javascript', file: isBuilt ? source : target, entrypoint, isBuilt }
}

/** `dist/main.js` → `dist/export.js` */
function beside(script: string, operation: AddedOperation): string {
  const folder = dirname(script)
  const name = `${operation}${extname(basename(script))}`
  return folder === '.' ? name : `${folder}/${name}`
}
