import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runRule } from '../rule.ts'
import { flaws } from '../testing/flaws.ts'
import { readTrainerFolder } from '../trainer-folder.ts'
import { COMPLIANCE_RULES, FOLDER_RULES, RULES } from './index.ts'

const packageDir = fileURLToPath(new URL('../..', import.meta.url))
const docsDir = fileURLToPath(new URL('../../../../docs/rules', import.meta.url))

const codes = RULES.map((rule) => rule.code)

test('codes are unique and in order', () => {
  expect(codes).toEqual([...new Set(codes)].sort())
})

test('every rule has a page with five sections, and every page has a rule', async () => {
  // Codes that end in 90 and above belong to the registry.
  const pages = readdirSync(docsDir).filter((name) => /^TY\d[0-8]\d\.md$/.test(name))
  expect(pages.sort()).toEqual(codes.map((code) => `${code}.md`))
  const list = await readFile(`${docsDir}/README.md`, 'utf8')
  for (const code of codes) {
    const text = await readFile(`${docsDir}/${code}.md`, 'utf8')
    expect(text).toMatch(new RegExp(`^# ${code}: `))
    for (const part of ['What', 'Why', 'Bad', 'Good', 'How to fix']) expect(text, code).toContain(`\n## ${part}\n`)
    const rule = RULES.find((one) => one.code === code)
    expect(text, code).toContain(`Severity: ${rule?.severity}`)
    expect(text, code).toContain(`phase: ${rule?.phase}`)
    const title = text.slice(`# ${code}: `.length, text.indexOf('\n'))
    expect(list).toContain(`| [${code}](${code}.md) | ${rule?.severity} | ${rule?.phase} | ${title} |\n`)
  }
})

test('every folder rule has fixtures, and every fixture has a rule', () => {
  const fixtures = readdirSync(`${packageDir}/fixtures`).filter((name) => name.startsWith('TY'))
  expect(fixtures.sort()).toEqual(FOLDER_RULES.map((rule) => rule.code))
  for (const code of fixtures) expect(readdirSync(`${packageDir}/fixtures/${code}`).sort()).toEqual(['fail', 'pass'])
})

test('every compliance rule has a flaw that it detects', () => {
  const detected = new Set(Object.keys(flaws).map((name) => name.split(' ')[0]))
  expect([...detected].sort()).toEqual(COMPLIANCE_RULES.map((rule) => rule.code))
})

describe.each(FOLDER_RULES)('$code', ({ code }) => {
  const found = async (kind: string) => {
    const folder = await readTrainerFolder(`${packageDir}/fixtures/${code}/${kind}`)
    return (await Promise.all(FOLDER_RULES.map((rule) => runRule(rule, folder)))).flat()
  }

  test('is the only rule with findings in the failing fixture', async () => {
    const findings = await found('fail')
    const others = new Set(findings.map((finding) => finding.code))
    expect([...others]).toEqual([code])
    expect(new Set(findings.map(({ fingerprint }) => fingerprint)).size).toBe(findings.length)
  })

  test('has no findings in the passing fixture, like every other rule', async () => {
    expect(await found('pass')).toEqual([])
  })
})
