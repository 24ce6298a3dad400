import {
  type Dockerfile as Ast,
  DockerfileParser,
  type Instruction,
  Keyword,
  ModifiableInstruction,
} from 'dockerfile-ast'

/** One instruction. */
export interface DockerInstruction {
  readonly keyword: string
  /** Everything after the keyword, with continued lines joined. */
  readonly text: string
  /** Its options, for example `--chmod=755`. They are not in the text. */
  readonly flags: string
  /** Starts at 1. */
  readonly line: number
}

/** A build stage: a `FROM` and the instructions that follow it. */
export interface DockerStage {
  /** The base image, with known variables substituted. */
  readonly image: string
  /** Whether `image` still contains a variable that is set at build time. */
  readonly unresolved: boolean
  readonly alias: string | undefined
  readonly line: number
  readonly instructions: readonly DockerInstruction[]
}

/** A parsed Dockerfile. */
export interface Dockerfile {
  readonly path: string
  readonly stages: readonly DockerStage[]
  /** `ARG`s before the first stage. */
  readonly globalArgs: readonly DockerInstruction[]
  readonly errors: readonly { readonly message: string; readonly line: number; readonly column: number }[]
}

const KEYWORDS: ReadonlySet<string> = new Set(Object.values(Keyword))

/** Parses a Dockerfile. Errors are collected, so that one error does not hide the others. */
export function readDockerfile(path: string, text: string): Dockerfile {
  let ast: Ast
  try {
    ast = DockerfileParser.parse(text)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { path, stages: [], globalArgs: [], errors: [{ message, line: 1, column: 1 }] }
  }
  const errors: { message: string; line: number; column: number }[] = []
  const stages: (Omit<DockerStage, 'instructions'> & { instructions: DockerInstruction[] })[] = []
  const globalArgs: DockerInstruction[] = []
  for (const instruction of ast.getInstructions()) {
    const start = instruction.getRange().start
    const position = { line: start.line + 1, column: start.character + 1 }
    const keyword = instruction.getKeyword()
    const argument = argumentText(instruction)
    if (!KEYWORDS.has(keyword)) {
      errors.push({ message: `unknown instruction "${instruction.getInstruction()}"`, ...position })
      continue
    }
    if (argument === '') errors.push({ message: `${keyword} has no argument`, ...position })
    if (keyword === 'FROM') {
      const image = argument.split(/\s+/).find((part) => !part.startsWith('--')) ?? ''
      stages.push({
        ...resolveVariables(image, ast, start.line),
        alias: / +as +(\S+)\s*$/i.exec(argument)?.[1]?.toLowerCase(),
        line: position.line,
        instructions: [],
      })
      continue
    }
    const flags = instruction instanceof ModifiableInstruction ? instruction.getFlags().join(' ') : ''
    const read = { keyword, text: argument, flags, line: position.line }
    const stage = stages.at(-1)
    if (stage) stage.instructions.push(read)
    else if (keyword === 'ARG') globalArgs.push(read)
    else errors.push({ message: `${keyword} precedes the first FROM`, ...position })
    const broken = brokenJsonForm(keyword, argument)
    if (broken) errors.push({ message: broken, ...position })
  }
  if (stages.length === 0) errors.push({ message: 'FROM is missing', line: 1, column: 1 })
  return { path, stages, globalArgs, errors }
}

/** The stages that make up the final image, last first. A stage inherits from the stage that it is based on. */
export function finalStages(dockerfile: Dockerfile): DockerStage[] {
  const chain: DockerStage[] = []
  let stage = dockerfile.stages.at(-1)
  while (stage && !chain.includes(stage)) {
    chain.push(stage)
    const base = stage.image.toLowerCase()
    stage = dockerfile.stages.slice(0, dockerfile.stages.indexOf(stage)).find((earlier) => earlier.alias === base)
  }
  return chain
}

/** The last instruction with this keyword in the final image. */
export function lastInstruction(dockerfile: Dockerfile, keyword: string): DockerInstruction | undefined {
  for (const stage of finalStages(dockerfile)) {
    const found = stage.instructions.findLast((instruction) => instruction.keyword === keyword)
    if (found) return found
  }
  return undefined
}

function argumentText(instruction: Instruction): string {
  return (instruction.getArgumentsContent() ?? '').trim()
}

function brokenJsonForm(keyword: string, argument: string): string | undefined {
  if (keyword !== 'CMD' && keyword !== 'ENTRYPOINT') return undefined
  if (!argument.startsWith('[')) return undefined
  try {
    const argv: unknown = JSON.parse(argument)
    if (Array.isArray(argv) && argv.every((part) => typeof part === 'string')) return undefined
  } catch {
    // Reported below.
  }
  return `${keyword} starts with "[" but is not a JSON array of strings in double quotation marks, so Docker would run it in a shell`
}

function resolveVariables(image: string, ast: Ast, line: number): { image: string; unresolved: boolean } {
  let unresolved = false
  const resolved = image.replace(
    /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
    (whole, braced?: string, fallback?: string, plain?: string) => {
      const value = ast.resolveVariable(braced ?? plain ?? '', line) ?? fallback
      if (value === undefined || value === '') {
        unresolved = true
        return whole
      }
      return value
    },
  )
  return { image: resolved, unresolved }
}
