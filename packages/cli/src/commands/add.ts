import { readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readManifest } from '@trainyard/client/files'
import { ExportFormat, MANIFEST_FILE_NAME } from '@trainyard/contract'
import { addToManifest } from '../add/edit-manifest.ts'
import { type AddedOperation, findProgram, type OperationProgram } from '../add/find-program.ts'
import { CHECKPOINT_FORMAT, programText } from '../add/program-text.ts'
import { replaceFile, writeNewFile } from '../add/write-file.ts'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { printJson } from '../terminal/table.ts'

interface AddInput {
  operation: AddedOperation
  dir: string | undefined
  format: string | undefined
  json: boolean
}

export async function run({ operation, dir: given, format, json }: AddInput, io: CliIo): Promise<number> {
  const dir = resolve(io.cwd, given ?? '.')
  const { manifest } = await readManifest(dir)
  const chosen = readFormat(operation, format) ?? manifest.exportFormats[0] ?? CHECKPOINT_FORMAT
  const isDeclared = manifest.entrypoints[operation] !== undefined
  const result: AddResult = { created: [], changed: [], next: [] }
  if (isDeclared) {
    if (format !== undefined && !manifest.exportFormats.includes(format))
      result.next.push(`write ${format} in the program of entrypoints.export, and add it to "exportFormats"`)
  } else {
    const program = await findProgram(dir, manifest, operation)
    if (await writeNewFile(join(dir, program.file), programText(operation, program, chosen)))
      result.created.push(program.file)
    const path = join(dir, MANIFEST_FILE_NAME)
    const text = await readFile(path, 'utf8')
    await replaceFile(path, addToManifest(text, { operation, entrypoint: program.entrypoint, format: chosen }))
    result.changed.push(MANIFEST_FILE_NAME)
    result.next.push(
      ...(await nextSteps(dir, {
        operation,
        program,
        format: chosen,
        isNew: result.created.length > 0,
        framework: manifest.framework,
      })),
    )
  }
  if (json) printJson(io, { operation, created: result.created, changed: result.changed, next: result.next })
  else printResult({ operation, isDeclared, name: manifest.name, where: relative(io.cwd, dir) }, result, io)
  return EXIT_CODES.ok
}

interface AddResult {
  created: string[]
  changed: string[]
  next: string[]
}

function readFormat(operation: AddedOperation, format: string | undefined): string | undefined {
  if (format === undefined) return undefined
  if (operation !== 'export') throw new UsageError(`--format is "${format}": only "trainyard add export" has a format`)
  const parsed = ExportFormat.safeParse(format)
  if (parsed.success) return parsed.data
  throw new UsageError(
    `--format is "${format}": it ${parsed.error.issues[0]?.message ?? 'is not the name of a format'}`,
  )
}

interface Added {
  operation: AddedOperation
  program: OperationProgram
  format: string
  /** Whether the program was written now. */
  isNew: boolean
  framework: string
}

async function nextSteps(dir: string, { operation, program, format, isNew, framework }: Added): Promise<string[]> {
  const { file, isBuilt, entrypoint } = program
  const built = entrypoint.at(-1) ?? file
  const read = (name: string) => readFile(join(dir, name), 'utf8').catch(() => undefined)
  const [build, image] = await Promise.all([read('build.ts'), read('Dockerfile')])
  const images = operation === 'predict' ? ' --images sample-data/test' : ` --format ${format}`
  // The templates without a framework save their models as JSON.
  const checkpoint = ['none', 'python'].includes(framework) ? 'runs/1/best.json' : 'CHECKPOINT'
  return [
    ...(isNew && (operation === 'predict' || format !== CHECKPOINT_FORMAT)
      ? [`write the marked lines of ${file}`]
      : []),
    // Those of new trainers build every program that the manifest names.
    ...(isBuilt && build !== undefined && !build.includes('entrypoints')
      ? [`add ${file} to the programs of build.ts`]
      : []),
    ...(image !== undefined && !isBuilt && !copies(image, built) ? [`add ${built} to a COPY of the Dockerfile`] : []),
    ...(isBuilt ? ['npm run build'] : []),
    `npx trainyard dev ${operation}${images} --checkpoint ${checkpoint}`,
  ]
}

/** Whether a Dockerfile copies a file by its name, by a pattern, or with its folder. */
function copies(dockerfile: string, file: string): boolean {
  return dockerfile
    .split('\n')
    .filter((line) => /^\s*(?:COPY|ADD)\s/i.test(line))
    .flatMap((line) => line.trim().split(/\s+/).slice(1, -1))
    .some((source) =>
      [file, '.', './', `*${/\.\w+$/.exec(file)?.[0] ?? ''}`].includes(source.replace(/^\.\/(?=.)/, '')),
    )
}

interface Shown {
  operation: AddedOperation
  isDeclared: boolean
  name: string
  where: string
}

function printResult(shown: Shown, { created, changed, next }: AddResult, io: CliIo): void {
  const { operation, isDeclared, name, where } = shown
  const within = where === '' ? '' : `${where}/`
  if (isDeclared) io.stdout.write(`${name} has the operation ${operation} already: nothing was changed.\n`)
  else {
    const files = [
      ...created.map((file) => `created ${within}${file}`),
      ...changed.map((file) => `changed ${within}${file}`),
    ]
    const kept = created.length > 0 ? '' : ' Its program exists already and was kept.'
    io.stdout.write(`Added ${operation} to ${name}: ${files.join(', ')}.${kept}\n`)
  }
  if (next.length > 0) io.stdout.write(`Next:\n\n${next.map((step) => `  ${step}\n`).join('')}`)
}
