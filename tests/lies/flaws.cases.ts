import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckResult, type Finding, TrainerManifest, type ValidationReport } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  passes,
  pushBundle,
  reportOf,
  resultOf,
} from '../../packages/registry/src/testing/harness.ts'
import { runTrainer, type Step } from '../../packages/validator/src/compliance/run-trainer.ts'
import { runRule } from '../../packages/validator/src/rule.ts'
import { COMPLIANCE_RULES } from '../../packages/validator/src/rules/index.ts'
import { codeOf, flaws, makeChanged, makeFlawed, variants } from '../../packages/validator/src/testing/flaws.ts'
import { statusOf } from '../../packages/validator/src/validate-trainer.ts'
import { exitCodeOf, judge, requiredPhases } from '../../packages/validator/src/verdict.ts'

const PHASES = ['static', 'security', 'compliance'] as const

async function findInRun(dir: string, steps: readonly Step[]): Promise<Finding[]> {
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
  const { record } = outcome
  return (await Promise.all(COMPLIANCE_RULES.map((rule) => runRule(rule, record, 'marketplace')))).flat()
}

/** What the validator makes of a run, as in `trainyard-validate --profile marketplace`. */
function judgeInValidator(findings: readonly Finding[]) {
  const checks: CheckResult[] = [
    { name: 'manifest', status: 'passed', findings: [] },
    { name: 'secrets', status: 'passed', findings: [] },
    { name: 'compliance', status: statusOf({ findings: [...findings] }, 'marketplace'), findings: [...findings] },
  ]
  const verdict = judge(checks, 'marketplace', requiredPhases('marketplace', PHASES, []))
  const report: ValidationReport = { verdict, profile: 'marketplace', seed: 7, durationMs: 0, checks, timeline: [] }
  return { report, exitCode: exitCodeOf(report) }
}

const summary = ({ status, findings }: CheckResult) => ({
  status,
  findings: findings.map(({ code, severity, fingerprint }) => `${code} ${severity} ${fingerprint}`).toSorted(),
})

/**
 * One run, judged twice: by the validator, and by a registry to which a bundle is pushed. That both run a trainer in the same
 * way is shown by `both-sides.test.ts`, and of images by `run-pushed-images.docker.test.ts`.
 */
function useJudges() {
  let parent = ''
  let harness: Harness
  let token = ''
  let versions = 0
  let report: ValidationReport | undefined
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'changed-trainers-'))
    harness = await createHarness({
      validate: async (options) => {
        const { phases, onCheck } = options
        if (!phases.includes('compliance')) return await passes(options)
        return reportOf(report?.checks.filter(({ name }) => name === 'compliance') ?? [], onCheck)
      },
    })
    await harness.registry.start()
    token = await harness.token(['push:acme', 'pull:acme'])
  })
  afterAll(async () => {
    await harness.close()
    await rm(parent, { recursive: true, force: true })
  })
  return {
    parent: () => parent,
    /** Runs a trainer, and returns the codes that both sides found. */
    async judgeTwice(dir: string, steps: readonly Step[]): Promise<string[]> {
      const findings = await findInRun(dir, steps)
      const ours = judgeInValidator(findings)
      report = ours.report
      versions++
      const pushed = await pushBundle(harness, { name: 'acme/judged', version: `1.0.${versions}`, token })
      const check = await endOfCheck(harness, token, pushed)
      const theirs = resultOf(check, 'compliance')
      const compliance = ours.report.checks[2]
      expect(summary(theirs)).toEqual(compliance && summary(compliance))
      expect(check.state).toBe(ours.exitCode === 0 ? 'published' : 'rejected')
      return [...new Set(theirs.findings.map(({ code }) => code))].toSorted()
    },
  }
}

/** Bad trainers of some rules. They are in several files, which run side by side: most of the time, a trainer is waited for. */
export function testFlaws(codes: RegExp): void {
  const { parent, judgeTwice } = useJudges()
  const chosen = Object.entries(flaws).filter(([name]) => codes.test(name))
  describe.each(chosen)('%s', (name, { flaw, steps }) => {
    test(`the validator and the registry detect a trainer that ${flaw}, without other findings`, async () => {
      expect(await judgeTwice(await makeFlawed(name, parent()), steps)).toEqual([codeOf(name)])
    })
  })
}

/** Honest trainers. */
export function testVariants(): void {
  const { parent, judgeTwice } = useJudges()
  test.each(Object.entries(variants))('neither finds anything in an honest trainer: %s', async (name, variant) => {
    expect(await judgeTwice(await makeChanged(name, variant.edits, parent()), variant.steps)).toEqual([])
  })
}
