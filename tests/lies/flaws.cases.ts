import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runRule } from '../rule.ts'
import { COMPLIANCE_RULES } from '../rules/index.ts'
import { codesOf, flaws, makeChanged, makeFlawed, variants } from '../testing/flaws.ts'
import { runTrainer, type Step } from './run-trainer.ts'

async function findCodes(dir: string, steps: readonly Step[]): Promise<string[]> {
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(dir, 'trainer.json'), 'utf8')))
  const outcome = await runTrainer({
    trainer: { dir },
    manifest,
    seed: 7,
    signal: new AbortController().signal,
    deadline: performance.now() + 110_000,
    steps,
    cancelGraceSeconds: 5,
    databaseUrl: process.env.TEST_DATABASE_URL,
  })
  if (outcome.state !== 'done') throw new Error(outcome.reason)
  const findings = await Promise.all(COMPLIANCE_RULES.map((rule) => runRule(rule, outcome.record)))
  return [...new Set(findings.flat().map(({ code }) => code))]
}

function useParent(): () => string {
  let parent = ''
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'changed-trainers-'))
  })
  afterAll(() => rm(parent, { recursive: true, force: true }))
  return () => parent
}

/** Bad trainers of some rules. They are in several files, which run side by side: most of the time, a trainer is waited for. */
export function testFlaws(codes: RegExp): void {
  const parent = useParent()
  const chosen = Object.entries(flaws).filter(([name]) => codes.test(name))
  describe.each(chosen)('%s', (name, { flaw, steps }) => {
    test(`detects a trainer that ${flaw}, without other findings`, async () => {
      const found = await findCodes(await makeFlawed(name, parent()), steps)
      expect(found.sort()).toEqual(codesOf(name))
    })
  })
}

/** Honest trainers. */
export function testVariants(): void {
  const parent = useParent()
  test.each(Object.entries(variants))('finds nothing in an honest trainer: %s', async (name, { steps, edits }) => {
    expect(await findCodes(await makeChanged(name, edits, parent()), steps)).toEqual([])
  })
}
