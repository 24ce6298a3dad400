import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

export const fixtures = fileURLToPath(new URL('../../fixtures/trainers', import.meta.url))

const Edit = z.object({ file: z.string(), find: z.string(), replace: z.string() })
/** By the code of the rule that detects it, and a word if it is one of several. */
const Flaws = z.record(
  z.string(),
  z.object({
    flaw: z.string(),
    /** The steps that reveal it. */
    steps: z.array(z.enum(['larger', 'predict', 'export', 'faults', 'cancel'])).default([]),
    edits: z.array(Edit),
  }),
)

/** Changes that make the good trainer a bad one. */
export const flaws = Flaws.parse(JSON.parse(await readFile(join(fixtures, 'flaws.json'), 'utf8')))

/** Other findings that a flaw causes. */
const FOLLOWING: Readonly<Record<string, readonly string[]>> = {
  // The process ended before it sent any event, so it also sent no terminal event.
  TY408: ['TY404'],
  // The process ended without a terminal event.
  TY412: ['TY404'],
}

/** The codes of all findings that a flaw leads to. */
export function codesOf(name: string): string[] {
  const [code = ''] = name.split(' ')
  return [code, ...(FOLLOWING[code] ?? [])].sort()
}

/** Makes a copy of the good trainer with a flaw, in a new folder below `parent`. */
export async function makeFlawed(name: string, parent: string): Promise<string> {
  const dir = await mkdtemp(join(parent, 'flawed-trainer-'))
  await cp(join(fixtures, 'good'), dir, { recursive: true })
  const flaw = flaws[name]
  if (!flaw) throw new Error(`there is no flaw "${name}"`)
  for (const { file, find, replace } of flaw.edits) {
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
