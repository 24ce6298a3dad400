import type { CheckResult, Finding, Severity, ValidationReport } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { exitCodeOf, judge, type Profile, requiredPhases } from './verdict.ts'

const finding = (severity: Severity): Finding => ({
  code: 'TY101',
  severity,
  message: 'm',
  fingerprint: 'f',
  help: 'h',
  docsUrl: 'd',
})
const passed: CheckResult = { name: 'manifest', status: 'passed', findings: [] }
const skipped: CheckResult = { name: 'compliance', status: 'skipped', reason: 'r', findings: [] }
const errored: CheckResult = { name: 'compliance', status: 'errored', reason: 'r', findings: [] }
const found = (severity: Severity): CheckResult => ({ ...passed, findings: [finding(severity)] })

function outcome(checks: CheckResult[], profile: Profile, required = requiredPhases(profile, ['static'], [])) {
  const verdict = judge(checks, profile, required)
  const report: ValidationReport = { verdict, profile, seed: 1, durationMs: 1, checks, timeline: [] }
  return [verdict, exitCodeOf(report)]
}

test('an error fails every profile, a warning fails ci only, and a note fails none', () => {
  const results = (['error', 'warning', 'info'] as const).map((severity) =>
    (['author', 'ci', 'marketplace'] as const).map((profile) => outcome([found(severity)], profile)[1]),
  )
  expect(results).toEqual([
    [1, 1, 1],
    [0, 1, 0],
    [0, 0, 0],
  ])
})

test('a skipped check fails the trainer only if it is required', () => {
  expect(outcome([passed, skipped], 'author')).toEqual(['passed', 0])
  expect(outcome([passed, skipped], 'author', requiredPhases('author', [], ['compliance']))).toEqual(['failed', 1])
  expect(outcome([passed, skipped], 'marketplace')).toEqual(['failed', 1])
})

test('ci requires the phases that were requested, marketplace requires all', () => {
  expect([...requiredPhases('ci', ['static'], [])]).toEqual(['static'])
  expect([...requiredPhases('marketplace', ['static'], [])]).toEqual(['static', 'security', 'compliance'])
})

test('an errored check exits with 3, or with 1 if there are findings as well', () => {
  expect(outcome([passed, errored], 'author')).toEqual(['failed', 3])
  expect(outcome([found('error'), errored], 'author')).toEqual(['failed', 1])
})
