import { readFile } from 'node:fs/promises'
import type { Finding, ValidationReport } from '@trainyard/contract'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { FORMATS, RENDERERS } from './formats.ts'

const HOSTILE = '<script>alert(1)</script> | ]]> & "\'\n::error::injected\u0007'

const finding = (over: Partial<Finding>): Finding => ({
  code: 'TY101',
  severity: 'error',
  message: 'a message',
  fingerprint: '0123456789abcdef',
  help: 'a fix',
  docsUrl: 'https://example.com/TY101.md',
  ...over,
})

const report: ValidationReport = {
  verdict: 'failed',
  trainer: { name: 'acme/x', version: '1.0.0' },
  profile: 'author',
  seed: 5,
  durationMs: 1234,
  checks: [
    {
      name: 'manifest',
      status: 'failed',
      durationMs: 12,
      findings: [
        finding({ file: 'src/a b.py', line: 3, column: 2, message: HOSTILE }),
        finding({ code: 'TY201', severity: 'warning', message: 'too short', fingerprint: 'b' }),
      ],
    },
    { name: 'secrets', status: 'passed', durationMs: 3, findings: [] },
    { name: 'compliance', status: 'errored', reason: 'no sandbox here', findings: [] },
    { name: 'other', status: 'skipped', reason: 'not requested', findings: [] },
  ],
  timeline: [{ offsetMs: 5, kind: 'http', summary: 'POST /v1/jobs/1/events <b>', status: 200, durationMs: 4 }],
}

const SCHEMA = new URL('../../fixtures/sarif/sarif-2.1.0-rtm.5.json', import.meta.url)

describe('SARIF follows the schema of SARIF 2.1.0', async () => {
  const schema = JSON.parse(await readFile(SCHEMA, 'utf8')) as Record<string, unknown>
  // It names draft 04, whose keywords it uses as the built-in draft does. One of its patterns has a bracket too many.
  const { $schema: _, id: _id, ...body } = schema
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(body)
  const [manifest] = report.checks

  test.each<[string, ValidationReport]>([
    ['of every kind of check', report],
    ['without a finding', { ...report, verdict: 'passed', checks: [] }],
    ['without a trainer', { ...report, trainer: undefined }],
    [
      'of an image, whose findings name layers and commits',
      withFindings({ file: undefined, layer: `sha256:${'a'.repeat(64)}` }),
    ],
    ['with a file and no line', withFindings({ file: 'trainer.json' })],
    ['with the first line and column', withFindings({ file: 'a', line: 1, column: 1 })],
    [
      'with a suppressed finding',
      withFindings({ suppressed: { reason: 'a false alarm', at: '2026-11-30T00:00:00Z' } }),
    ],
  ])('%s', (_name, one) => {
    const log: unknown = JSON.parse(RENDERERS.sarif(one))
    expect(validate(log), JSON.stringify(validate.errors)).toBe(true)
  })

  test('which refuses what is no SARIF', () => {
    expect(validate({ version: '2.1.0', runs: [{ tool: {} }] })).toBe(false)
  })

  function withFindings(over: Partial<Finding>): ValidationReport {
    return { ...report, checks: [{ ...manifest, name: 'manifest', status: 'failed', findings: [finding(over)] }] }
  }
})

test('SARIF has each finding with its rule, place, level and fingerprint, and the checks that did not run', () => {
  const [run] = JSON.parse(RENDERERS.sarif(report)).runs
  expect(run.results).toHaveLength(2)
  expect(run.results[0]).toMatchObject({
    ruleId: 'TY101',
    ruleIndex: 0,
    level: 'error',
    locations: [
      { physicalLocation: { artifactLocation: { uri: 'src/a%20b.py' }, region: { startLine: 3, startColumn: 2 } } },
    ],
    partialFingerprints: { 'trainyard/v1': '0123456789abcdef' },
  })
  expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['TY101', 'TY201'])
  expect(run.invocations[0]).toMatchObject({ executionSuccessful: false, exitCode: 1 })
  expect(run.invocations[0].toolExecutionNotifications).toHaveLength(2)
})

test('JUnit counts failures, errors and skipped checks, and a warning that does not fail is not a failure', () => {
  const text = RENDERERS.junit(report)
  expect(text).toContain('<testsuites name="acme/x 1.0.0" tests="5" failures="1" errors="1" skipped="1" time="1.234">')
  expect(text.match(/<failure /g)).toHaveLength(1)
  expect(text).toContain('<system-out>warning: too short')
  expect(text).toContain('<error message="errored: no sandbox here"/>')
  expect(text).toContain('<skipped message="not checked: not requested"/>')
})

test('GitHub shows each finding at its line, and a text of the trainer starts no other command', () => {
  const lines = RENDERERS.github(report).trimEnd().split('\n')
  expect(lines.filter((line) => line.startsWith('::'))).toHaveLength(4)
  expect(lines[0]).toMatch(/^::error file=src\/a b\.py,line=3,col=2,title=TY101::.*%0A::error::injected/)
  expect(lines[1]).toMatch(/^::warning file=trainer\.json,line=1,title=TY201::too short/)
  expect(lines[2]).toBe('::error title=compliance::errored: no sandbox here')
  expect(lines.at(-1)).toBe('acme/x 1.0.0 failed (profile author, seed 5)')
})

test('GitLab has the fields of a code quality report', () => {
  expect(JSON.parse(RENDERERS.gitlab(report))[0]).toEqual({
    description: `${HOSTILE}. a fix`,
    check_name: 'TY101',
    fingerprint: '0123456789abcdef',
    severity: 'major',
    location: { path: 'src/a b.py', lines: { begin: 3 } },
  })
})

test('Markdown keeps each finding in its row, without markup of the trainer', () => {
  const rows = RENDERERS.markdown(report).split('\n')
  const row = rows.find((line) => line.includes('TY101')) ?? ''
  expect(row.match(/(?<!\\)\|/g)).toHaveLength(6)
  expect(row).not.toContain('<script')
  expect(RENDERERS.markdown(report)).toContain('| compliance | 💥 errored: no sandbox here |')
})

test('HTML states versions, limits and machine, and exchanges in the order of their starts', () => {
  const run = {
    version: '1.2.3',
    node: '24.1.0',
    machine: { platform: 'linux', arch: 'x64', cpus: 2, memoryMb: 4096 },
    require: [],
    only: ['TY4'],
    timeoutSeconds: 180,
    sandbox: 'auto',
  }
  const timeline = [
    { offsetMs: 900, kind: 'http' as const, summary: 'GET /second' },
    { offsetMs: 100, kind: 'http' as const, summary: 'GET /first' },
  ]
  const text = RENDERERS.html({ ...report, run, timeline })
  expect(text).toContain(
    'Validator 1.2.3, Node 24.1.0; linux x64, 2 processors, 4096 MB; time limit 180 s; sandbox auto; only the rules TY4',
  )
  expect(text.indexOf('GET /first')).toBeLessThan(text.indexOf('GET /second'))
})

test('HTML is one page without scripts, with the findings and the timeline', () => {
  const text = RENDERERS.html(report)
  expect(text).not.toContain('<script')
  expect(text).toContain('&lt;script&gt;alert(1)')
  expect(text).toContain('POST /v1/jobs/1/events &lt;b&gt;')
  expect(text).not.toMatch(/src=|href="(?!https:\/\/example\.com)/)
})

describe.each(FORMATS)('%s', (format) => {
  test('shows a report without findings and without a trainer', () => {
    const text = RENDERERS[format]({ ...report, verdict: 'passed', trainer: undefined, checks: [], timeline: [] })
    expect(text.endsWith('\n')).toBe(true)
  })
})
