import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrainerManifest } from '@trainyard/contract'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runRule } from '../rule.ts'
import { COMPLIANCE_RULES } from '../rules/index.ts'
import { runTrainer, type Step } from './run-trainer.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/trainers', import.meta.url))

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
const flaws = Flaws.parse(JSON.parse(await readFile(join(fixtures, 'flaws.json'), 'utf8')))

/** Other findings that a flaw causes. */
const FOLLOWING: Readonly<Record<string, readonly string[]>> = {
  // The process ended before it sent any event, so it also sent no terminal event.
  TY408: ['TY404'],
  // The process ended without a terminal event.
  TY412: ['TY404'],
}

const folders: string[] = []
afterEach(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function makeFlawed(name: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'flawed-trainer-'))
  folders.push(dir)
  await cp(join(fixtures, 'good'), dir, { recursive: true })
  const flaw = flaws[name]
  if (!flaw) throw new Error(`there is no flaw "${name}"`)
  for (const { file, find, replace } of flaw.edits) {
    const text = await readFile(join(dir, file), 'utf8')
    expect(text.split(find), `${name} in ${file}`).toHaveLength(2)
    await writeFile(
      join(dir, file),
      text.replace(find, () => replace),
    )
  }
  return dir
}

async function findCodes(dir: string, steps: readonly Step[]): Promise<string[]> {
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(dir, 'trainer.json'), 'utf8')))
  const outcome = await runTrainer({
    dir,
    manifest,
    seed: 7,
    signal: new AbortController().signal,
    deadline: performance.now() + 50_000,
    steps,
    cancelGraceSeconds: 5,
    databaseUrl: process.env.TEST_DATABASE_URL,
  })
  if (outcome.state !== 'done') throw new Error(outcome.reason)
  const findings = await Promise.all(COMPLIANCE_RULES.map((rule) => runRule(rule, outcome.record)))
  return [...new Set(findings.flat().map(({ code }) => code))]
}

describe.each(Object.entries(flaws))('%s', (name, { flaw, steps }) => {
  test(`detects a trainer that ${flaw}, without other findings`, { timeout: 60_000 }, async () => {
    const [code = ''] = name.split(' ')
    const codes = await findCodes(await makeFlawed(name), steps)
    expect(codes.sort()).toEqual([code, ...(FOLLOWING[code] ?? [])].sort())
  })
})
