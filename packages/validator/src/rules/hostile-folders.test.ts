import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { validateTrainer } from '../validate-trainer.ts'

const good = JSON.parse(
  await readFile(new URL('../../fixtures/trainers/good/trainer.json', import.meta.url), 'utf8'),
) as Record<string, unknown>

const folders: string[] = []
afterEach(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function validate(files: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'hostile-'))
  folders.push(dir)
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return validateTrainer({ dir, phases: ['static', 'security'], seed: 1 })
}

const MANIFESTS: string[] = [
  'null',
  '[]',
  '"x"',
  '1',
  '{}',
  '\0',
  '{"a":'.repeat(5000),
  ...[
    { config: null },
    { config: { schema: { properties: { a: true, b: null } } } },
    { config: { schema: { $ref: '#/nowhere' } } },
    { config: { schema: { $schema: 'http://json-schema.org/draft-07/schema#' } } },
    { config: { schema: { properties: { a: { $ref: 'http://127.0.0.1:1/x' } } } } },
    { config: { schema: { properties: { 'a/b~c%': { type: 'string', default: 1 } } } } },
    { config: { schema: { properties: { a: { type: 'string', pattern: '(' } } } } },
    { config: { schema: { properties: [] } } },
    { models: [null] },
    { entrypoints: { train: ['node', 5] } },
    { license: 'x'.repeat(100_000) },
    { license: '(MIT' },
    { name: '__proto__' },
    { taskTypes: [] },
  ].map((part) => JSON.stringify({ ...good, ...part })),
]

describe('a malformed manifest is a finding, never an error of the validator', () => {
  test.each(MANIFESTS.map((text) => [text.slice(0, 60), text]))('%s', async (_, text) => {
    const { checks } = await validate({ 'trainer.json': text })
    expect(checks.map(({ status }) => status)).toEqual(['failed', 'passed', 'skipped'])
    for (const { message } of checks.flatMap(({ findings }) => findings)) expect(message.length).toBeLessThan(400)
  })
})

const DOCKERFILES = [
  '',
  'FROM',
  'FORM node:24\n',
  '\0\0',
  'RUN true\nFROM a\n',
  'FROM a:1\nENTRYPOINT ["node", ]\n',
  "FROM a:1\nCMD ['node']\n",
  'FROM a:1\nENV\nARG\nUSER\n',
]

describe('a malformed Dockerfile has findings of TY203', () => {
  test.each(DOCKERFILES)('%j', async (text) => {
    const { checks } = await validate({ 'trainer.json': JSON.stringify(good), Dockerfile: text })
    expect(checks[0]?.status).toBe('failed')
    expect(checks[0]?.findings.map(({ code }) => code)).toContain('TY203')
  })
})

test('an error in a Dockerfile does not hide other findings', async () => {
  const text = 'FROM node:latest\nCOPPY . .\nENV API_KEY=x\nENTRYPOINT node main.js\n'
  const { checks } = await validate({ 'trainer.json': JSON.stringify(good), Dockerfile: text })
  const codes = checks.flatMap(({ findings }) => findings.map(({ code }) => code))
  expect(codes).toEqual(expect.arrayContaining(['TY203', 'TY204', 'TY205', 'TY206', 'TY207']))
})
