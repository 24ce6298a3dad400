import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readTrainerFolder } from '../context.ts'
import { runRule } from '../rule.ts'
import { COMPLIANCE_RULES, FOLDER_RULES, RULES } from './index.ts'

const packageDir = fileURLToPath(new URL('../..', import.meta.url))
const docsDir = fileURLToPath(new URL('../../../../docs/rules', import.meta.url))

const codes = RULES.map((rule) => rule.code)

test('codes are unique and in order', () => {
  expect(codes).toEqual([...new Set(codes)].sort())
})

test('every rule has a page, every page a rule, and each page has its five parts', async () => {
  // Codes from x90 on are the registry's own.
  const pages = readdirSync(docsDir).filter((name) => /^TY\d[0-8]\d\.md$/.test(name))
  expect(pages.sort()).toEqual(codes.map((code) => `${code}.md`))
  for (const code of codes) {
    const text = await readFile(`${docsDir}/${code}.md`, 'utf8')
    expect(text).toMatch(new RegExp(`^# ${code}: `))
    for (const part of ['What', 'Why', 'Bad', 'Good', 'How to fix']) expect(text, code).toContain(`\n## ${part}\n`)
    const rule = RULES.find((one) => one.code === code)
    expect(text, code).toContain(`Severity: ${rule?.severity}`)
    expect(text, code).toContain(`phase: ${rule?.phase}`)
  }
})

test('every folder rule has fixtures, and every fixture a rule', () => {
  const fixtures = readdirSync(`${packageDir}/fixtures`).filter((name) => name.startsWith('TY'))
  expect(fixtures.sort()).toEqual(FOLDER_RULES.map((rule) => rule.code))
  for (const code of fixtures) expect(readdirSync(`${packageDir}/fixtures/${code}`).sort()).toEqual(['fail', 'pass'])
})

test('every compliance rule has a flaw of the good trainer that it finds', async () => {
  const flaws = JSON.parse(await readFile(`${packageDir}/fixtures/trainers/flaws.json`, 'utf8')) as Record<
    string,
    unknown
  >
  expect(Object.keys(flaws).sort()).toEqual(COMPLIANCE_RULES.map((rule) => rule.code))
})

describe.each(FOLDER_RULES)('$code', ({ code }) => {
  const found = async (kind: string) => {
    const folder = await readTrainerFolder(`${packageDir}/fixtures/${code}/${kind}`)
    return (await Promise.all(FOLDER_RULES.map((rule) => runRule(rule, folder)))).flat()
  }

  test('finds the failing fixture, and nothing else is found there', async () => {
    const findings = await found('fail')
    const others = new Set(findings.map((finding) => finding.code))
    // A secret in a file is the only thing that also has a second reading: see TY302 for binary files.
    expect([...others]).toEqual([code])
    expect(new Set(findings.map(({ fingerprint }) => fingerprint)).size).toBe(findings.length)
  })

  test('finds nothing in the passing fixture, nor does any other rule', async () => {
    expect(await found('pass')).toEqual([])
  })
})
