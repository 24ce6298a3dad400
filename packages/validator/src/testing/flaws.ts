import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

export const fixtures = fileURLToPath(new URL('../../fixtures/trainers', import.meta.url))

const Edit = z.object({ file: z.string(), find: z.string(), replace: z.string() })
const Steps = z.array(z.enum(['larger', 'predict', 'export', 'faults', 'cancel'])).default([])
const Flaw = z.strictObject({
  flaw: z.string(),
  /** The steps that reveal it. */
  steps: Steps,
  edits: z.array(Edit),
})
const Variant = z.strictObject({ what: z.string(), steps: Steps, edits: z.array(Edit) })

/** Changes that make the good trainer a bad one, by the code of the rule that detects it, and a word if it is one of several. */
export const flaws: Readonly<Record<string, z.infer<typeof Flaw>>> = await readAll('bad', Flaw)

/** Changes after which the good trainer is still an honest one. */
export const variants: Readonly<Record<string, z.infer<typeof Variant>>> = await readAll('honest', Variant)

async function readAll<T>(folder: string, schema: z.ZodType<T>): Promise<Record<string, T>> {
  const files = (await readdir(join(fixtures, folder))).toSorted()
  const read = files.map(async (file) => {
    const text = await readFile(join(fixtures, folder, file), 'utf8')
    return [file.replace('.json', '').replace(/^(TY\d+)-/, '$1 '), schema.parse(JSON.parse(text))] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

/** The code of the rule that finds a flaw. No other rule does. */
export function codeOf(name: string): string {
  return name.split(' ')[0] ?? name
}

/** Makes a copy of the good trainer with a flaw, in a new folder below `parent`. */
export async function makeFlawed(name: string, parent: string): Promise<string> {
  const flaw = flaws[name]
  if (!flaw) throw new Error(`there is no flaw "${name}"`)
  return await makeChanged(name, flaw.edits, parent)
}

/** Makes a changed copy of the good trainer, in a new folder below `parent`. */
export async function makeChanged(
  name: string,
  edits: readonly z.infer<typeof Edit>[],
  parent: string,
): Promise<string> {
  const dir = await mkdtemp(join(parent, 'changed-trainer-'))
  await cp(join(fixtures, 'good'), dir, { recursive: true })
  for (const { file, find, replace } of edits) {
    const text = await readFile(join(dir, file), 'utf8')
    const places = text.split(find).length - 1
    if (places !== 1) throw new Error(`the text to change is ${places} times in ${file}, for ${name}: ${find}`)
    await writeFile(
      join(dir, file),
      text.replace(find, () => replace),
    )
  }
  return dir
}
