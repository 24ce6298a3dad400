import { readdirSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckResult } from '@trainyard/contract'
import { UsageError, validateTarget, validateTrainer } from '@trainyard/validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  pushBundle,
  type TarItem,
  tarGz,
  trainerManifest,
} from '../testing/harness.ts'
import type { ValidateFunction } from '../validation/validate.ts'

const fixtures = fileURLToPath(new URL('../../../validator/fixtures', import.meta.url))
const cases = readdirSync(fixtures)
  .filter((code) => code.startsWith('TY'))
  .flatMap((code) => readdirSync(join(fixtures, code)).map((kind) => ({ code, kind })))

const NO_BUNDLE = /is not a trainer|cannot be unpacked/

/** The real validator, without the compliance run. */
const validate: ValidateFunction = async ({ dir, phases, onCheck, signal }) =>
  await validateTrainer({
    dir,
    isBundle: true,
    profile: 'marketplace',
    phases: phases.filter((phase) => phase !== 'compliance'),
    onCheck,
    signal,
  })

describe('the validator and the registry have the same findings in the bundle of', () => {
  let harness: Harness
  let token: string
  let parent: string
  beforeAll(async () => {
    harness = await createHarness({ validate })
    await harness.registry.start()
    token = await harness.token(['push:acme', 'pull:acme'])
    parent = await mkdtemp(join(tmpdir(), 'trainyard-verdicts-'))
  })
  afterAll(async () => {
    await harness.close()
    await rm(parent, { recursive: true, force: true })
  })

  const summary = (checks: readonly CheckResult[]) =>
    checks
      .filter(({ name }) => name === 'manifest' || name === 'secrets')
      .map(({ name, status, findings }) => ({
        name,
        status,
        findings: findings.map(({ code, severity, fingerprint }) => `${code} ${severity} ${fingerprint}`).toSorted(),
      }))

  it.each(cases)('$code/$kind', async ({ code, kind }) => {
    const name = `acme/${code.toLowerCase()}-${kind}`
    const dir = join(parent, `${code}-${kind}`)
    await cp(join(fixtures, code, kind), dir, { recursive: true, verbatimSymlinks: true })
    const manifest = await rename(join(dir, 'trainer.json'), name)
    const layer = await tarGz(await listItems(dir))
    const file = `${dir}.tar.gz`
    await writeFile(file, layer)
    const ours = await validateTarget({ target: file, profile: 'marketplace', phases: ['static', 'security'] }).catch(
      (error: unknown) => {
        if (error instanceof UsageError) return error.message
        throw error
      },
    )
    const pushed = await pushBundle(harness, { name, version: '1.0.0', token, layer, manifest })
    // What a push refuses at once, the validator must not take.
    if (pushed.status !== 201) return expect(ours).toMatchObject({ verdict: 'failed' })
    const { checks, state } = await endOfCheck(harness, token, pushed)
    // Nor the other way round: what is not a bundle for the validator.
    if (typeof ours === 'string') return expect([state, ours]).toEqual(['rejected', expect.stringMatching(NO_BUNDLE)])
    expect(summary(checks)).toEqual(summary(ours.checks))
  })
})

/** Gives a fixture a name of its own, as far as it has one, and returns what is pushed as its config. */
async function rename(file: string, name: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  try {
    const json = JSON.parse(text ?? '') as Record<string, unknown>
    if (typeof json.name !== 'string' || json.version !== '1.0.0') return json
    const renamed = { ...json, name }
    await writeFile(file, (text ?? '').replace(JSON.stringify(json.name), JSON.stringify(name)))
    return renamed
  } catch {
    return trainerManifest(name, '1.0.0')
  }
}

async function listItems(dir: string): Promise<TarItem[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const items: TarItem[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(dir.length + 1)
    if (entry.isFile()) items.push({ name, body: await readFile(path) })
    else if (entry.isSymbolicLink()) items.push({ name, type: 'symlink', linkname: await readlink(path) })
  }
  return items
}
