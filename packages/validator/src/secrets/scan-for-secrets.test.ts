import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runRule } from '../rule.ts'
import { secrets } from '../rules/secrets.ts'
import { unscannedFiles } from '../rules/unscanned-files.ts'
import { readTrainerFolder } from '../trainer-folder.ts'

// Joined at run time, so that scanners of this repository do not report it.
const SECRET = ['postgres://trainer', 'not-a-real-passw0rd@db.example.com:5432/runs'].join(':')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'secrets-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('reports the line and column of a secret, but never its value', async () => {
  await writeFile(join(dir, 'a.js'), `// one\nconst url = '${SECRET}'\n`)
  const findings = await runRule(secrets, await readTrainerFolder(dir))
  expect(findings).toMatchObject([{ code: 'TY301', file: 'a.js', line: 2, column: 14 }])
  expect(JSON.stringify(findings)).not.toContain('passw0rd')
})

test('reports two secrets of one kind in a file as two findings with different fingerprints', async () => {
  await writeFile(join(dir, 'a.js'), `'${SECRET}'\n'${SECRET}2'\n`)
  const findings = await runRule(secrets, await readTrainerFolder(dir))
  expect(new Set(findings.map(({ fingerprint }) => fingerprint)).size).toBe(2)
})

test('cannot be disabled by a comment', async () => {
  await writeFile(join(dir, 'a.js'), `// secretlint-disable\nconst url = '${SECRET}' // secretlint-disable-line\n`)
  expect(await runRule(secrets, await readTrainerFolder(dir))).toHaveLength(1)
})

test('finds a secret in UTF-16 text', async () => {
  await writeFile(join(dir, 'a.txt'), Buffer.from(`\ufeff${SECRET}`, 'utf16le'))
  expect(await runRule(secrets, await readTrainerFolder(dir))).toHaveLength(1)
})

test('searches a minified bundle of 3 MB within two seconds', async () => {
  const line = Array.from(
    { length: 60_000 },
    (_, i) => `function a${i}(e,t){return e["k${i}"]=t+"${i * 7919}abcdef"};`,
  ).join('')
  expect(line.length).toBeGreaterThan(3_000_000)
  await writeFile(join(dir, 'bundle.min.js'), `${line}const u='${SECRET}'`)
  const folder = await readTrainerFolder(dir)
  const startedAt = performance.now()
  expect(await runRule(secrets, folder)).toHaveLength(1)
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

test('reports files that are not searched: too large, binary, or beyond the total limit', async () => {
  await writeFile(join(dir, 'a-large.js'), 'x'.repeat(2000))
  await writeFile(join(dir, 'b-binary.bin'), Buffer.from([1, 2, 0, 3]))
  await writeFile(join(dir, 'c.js'), 'x'.repeat(900))
  await writeFile(join(dir, 'd.js'), 'x'.repeat(900))
  const folder = await readTrainerFolder(dir, { limits: { maxScanBytes: 1000, maxScanTotalBytes: 1000 } })
  expect(await runRule(secrets, folder)).toEqual([])
  const findings = await runRule(unscannedFiles, folder)
  expect(findings.map(({ file }) => file)).toEqual(['a-large.js', 'd.js', 'b-binary.bin'])
  expect(findings.every(({ code, severity }) => code === 'TY302' && severity === 'info')).toBe(true)
  expect(findings[0]?.message).toContain('too large')
})
