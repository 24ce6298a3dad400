import type { CheckResult, CheckStatus } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { isVersionTag, latestOf, newestInRange } from './semver.ts'
import { stateOfParts, statesBefore, verdictOf } from './states.ts'

const results = (...statuses: CheckStatus[]): CheckResult[] =>
  (['manifest', 'secrets', 'compliance'] as const).map((name, index) => ({
    name,
    status: statuses[index] ?? 'waiting',
    findings: [],
  }))

describe('the verdict', () => {
  it('publishes a bundle only if every check passed', () => {
    expect(verdictOf('bundle', results('passed', 'passed', 'passed')).state).toBe('published')
    for (const status of ['waiting', 'running', 'failed', 'skipped', 'errored'] as const) {
      expect(verdictOf('bundle', results('passed', 'passed', status)).state).toBe('rejected')
    }
  })

  it('publishes an image whose other checks were skipped, but not one with a failed check', () => {
    expect(verdictOf('image', results('passed', 'skipped', 'skipped')).state).toBe('published')
    expect(verdictOf('image', results('skipped', 'passed', 'passed')).state).toBe('rejected')
    expect(verdictOf('image', results('passed', 'failed', 'skipped')).reason).toBe('the check "secrets" failed')
  })
})

describe('states', () => {
  it('never lead from published back to quarantine', () => {
    expect(statesBefore('checking')).toEqual(['received', 'checking'])
    expect(statesBefore('received')).toEqual(['rejected'])
    expect(statesBefore('rejected')).not.toContain('published')
  })

  it('of two parts combine to the more advanced one', () => {
    expect(stateOfParts(['rejected', 'published'])).toBe('published')
    expect(stateOfParts(['rejected', 'checking'])).toBe('checking')
    expect(stateOfParts(['rejected'])).toBe('rejected')
  })
})

describe('versions', () => {
  it('are canonical semantic versions', () => {
    expect(['1.0.0', '0.0.1-rc.1', '10.20.30'].every(isVersionTag)).toBe(true)
    expect(['v1.0.0', '1.0', '1.0.0-01', 'latest', '1.0.0+build', ''].some(isVersionTag)).toBe(false)
  })

  it('are ordered numerically, and latest prefers releases to prereleases', () => {
    expect(latestOf(['1.2.0', '1.10.0', '2.0.0-rc.1'])).toBe('1.10.0')
    expect(latestOf(['2.0.0-rc.1', '2.0.0-rc.2'])).toBe('2.0.0-rc.2')
    expect(latestOf([])).toBeUndefined()
    expect(newestInRange(['1.0.0', '1.9.0', '2.0.0'], '^1')).toBe('1.9.0')
    expect(newestInRange(['1.0.0'], '^2')).toBeUndefined()
  })
})
