import type { Program } from '../command.ts'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { listNodes } from './nodes.ts'
import { zshScript } from './zsh.ts'

const RENDERERS = { bash: bashScript, zsh: zshScript, fish: fishScript }

/** A completion script of the whole program, for one shell. */
export function completionScript(program: Program, shell: keyof typeof RENDERERS): string {
  return RENDERERS[shell](program.name, listNodes(program))
}
