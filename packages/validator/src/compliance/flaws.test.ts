import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runRule } from '../rule.ts'
import { COMPLIANCE_RULES } from '../rules/index.ts'
import { codesOf, flaws, makeFlawed } from '../testing/flaws.ts'
import { runTrainer, type Step } from './run-trainer.ts'

let parent: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'flawed-trainers-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

async function findCodes(dir: string, steps: readonly Step[]): Promise<string[]> {
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(dir, 'trainer.json'), 'utf8')))
  const outcome = await runTrainer({
    trainer: { dir },
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
    const codes = await findCodes(await makeFlawed(name, parent), steps)
    expect(codes.sort()).toEqual(codesOf(name))
  })
})
