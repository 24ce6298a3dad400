import { CheckName, type CheckResult, type CheckStatus } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import type { PartKind } from '../db/schema/version-parts.ts'
import { createCheckPolicy, REQUIRED_BY_DEFAULT } from './check-policy.ts'
import { waitingResults } from './check-results.ts'
import { isVersionTag, latestOf, newestInRange } from './semver.ts'
import { stateOfParts, statesBefore, verdictOf } from './states.ts'

type Statuses = Partial<Record<CheckName, CheckStatus>>

const results = (kind: PartKind, statuses: Statuses, policy = createCheckPolicy()): CheckResult[] =>
  waitingResults(kind, policy).map((result) => ({
    ...result,
    status: statuses[CheckName.parse(result.name)] ?? 'passed',
  }))
const ALL: readonly CheckStatus[] = ['waiting', 'running', 'failed', 'skipped', 'errored']

describe('the verdict', () => {
  it('publishes a bundle only if every required check passed', () => {
    expect(verdictOf('bundle', results('bundle', {})).state).toBe('published')
    for (const name of REQUIRED_BY_DEFAULT.filter((each) => each !== 'image'))
      for (const status of ALL)
        expect([name, status, verdictOf('bundle', results('bundle', { [name]: status })).state]).toEqual([
          name,
          status,
          'rejected',
        ])
    expect(verdictOf('bundle', results('bundle', { malware: 'skipped' })).state).toBe('published')
  })

  it('publishes an image whose other checks were skipped, but not one with a failed check', () => {
    const skipped: Statuses = { secrets: 'skipped', compliance: 'skipped', sbom: 'skipped' }
    expect(verdictOf('image', results('image', skipped)).state).toBe('published')
    expect(verdictOf('image', results('image', { manifest: 'skipped' })).state).toBe('rejected')
    expect(verdictOf('image', results('image', { secrets: 'failed' })).reason).toBe('the check "secrets" failed')
  })

  it('rejects for the errors of a check only if that check is enforced', () => {
    const policy = createCheckPolicy({ enforced: [], required: ['malware', 'compliance'] })
    expect(verdictOf('bundle', results('bundle', { secrets: 'failed', sbom: 'errored' }, policy)).state).toBe(
      'published',
    )
    expect(verdictOf('bundle', results('bundle', { malware: 'skipped' }, policy)).state).toBe('published')
    const enforced = createCheckPolicy({ required: ['malware'] })
    expect(verdictOf('bundle', results('bundle', { malware: 'skipped' }, enforced)).state).toBe('rejected')
    // The manifest can be neither switched off nor ignored.
    expect(verdictOf('bundle', results('bundle', { manifest: 'failed' }, policy)).state).toBe('rejected')
    expect(createCheckPolicy({ enabled: [] })).toMatchObject({
      manifest: { enabled: true, enforced: true, required: true },
      // What is switched off rejects no version, but a version without it is checked in part.
      compliance: { enabled: false, enforced: false, required: true },
    })
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

  const published = (...versions: string[]) => versions.map((version) => ({ version, state: 'published' as const }))

  it('are ordered numerically, and latest prefers releases to prereleases', () => {
    expect(latestOf(['1.2.0', '1.10.0', '2.0.0-rc.1'])).toBe('1.10.0')
    expect(latestOf(['2.0.0-rc.1', '2.0.0-rc.2'])).toBe('2.0.0-rc.2')
    expect(latestOf([])).toBeUndefined()
    expect(newestInRange(published('1.0.0', '1.9.0', '2.0.0'), '^1')).toBe('1.9.0')
    expect(newestInRange(published('1.0.0'), '^2')).toBeUndefined()
    const old = { version: '1.9.0', state: 'deprecated' } as const
    expect(newestInRange([...published('1.0.0'), old], '^1')).toBe('1.0.0')
    expect(newestInRange([...published('1.0.0'), old], '~1.9')).toBe('1.9.0')
  })
})
