/**
 * Writes what is generated from the code: JSON Schemas of the contract into `docs/schemas/`, the OpenAPI documents of
 * the servers into `docs/openapi/`, the types of the Python
 * package, the pages of the command line and of bad trainers, the fields of events in the guides, and the version of the packages where files repeat it. `--check`
 * writes nothing and fails when they differ.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as contract from '@trainyard/contract'
import { registryOpenApi } from '@trainyard/registry'
import { runnerOpenApi } from '@trainyard/runner'
import { z } from 'zod'
import { alertFiles } from '../deploy/observability/alerts.ts'
import { dashboardFiles } from '../deploy/observability/dashboards.ts'
import { kebab } from './docs-site/kebab.ts'
import { badTrainersPage, measuredPart } from './lib/bad-trainers-page.ts'
import { commandLinePage } from './lib/command-line-page.ts'
import { withEventFields } from './lib/event-fields.ts'
import { pythonTypes } from './lib/python-types.ts'
import { ROOT } from './lib/run.ts'
import { versionFiles } from './lib/version-files.ts'

/** Every named schema of the contract, as JSON Schema 2020-12. */
function schemas(): Map<string, unknown> {
  const files = new Map<string, unknown>()
  for (const schema of Object.values(contract)) {
    if (!(schema instanceof z.ZodType)) continue
    const id = schema.meta()?.id
    if (id === undefined) continue
    const body = z.toJSONSchema(schema, { io: 'input', reused: 'inline', unrepresentable: 'any' })
    files.set(`docs/schemas/${kebab(id)}.json`, body)
  }
  return files
}

const ofContract = schemas()
const pageOf = (path: string) => readFile(join(ROOT, path), 'utf8')
const ANY_LANGUAGE = 'docs/guides/any-language.md'
const BAD_TRAINERS = 'docs/bad-trainers.md'
const PYTHON = 'docs/guides/write-a-trainer-in-python.md'
/** Text is written as it is, everything else as JSON. */
const generated = new Map<string, unknown>([
  ...ofContract,
  ['python/src/trainyard_sdk/types.py', pythonTypes((name) => ofContract.get(`docs/schemas/${name}.json`))],
  ['docs/command-line.md', commandLinePage()],
  [BAD_TRAINERS, badTrainersPage(measuredPart(await pageOf(BAD_TRAINERS)))],
  [ANY_LANGUAGE, withEventFields(await pageOf(ANY_LANGUAGE), 'json')],
  [PYTHON, withEventFields(await pageOf(PYTHON), 'python')],
  ['docs/openapi/runner.json', await runnerOpenApi()],
  ['docs/openapi/registry.json', await registryOpenApi()],
  ...dashboardFiles(),
  ...alertFiles(),
  ...(await versionFiles()),
])

const check = process.argv.includes('--check')
const different: string[] = []
const known = new Set<string>()
for (const [path, body] of generated) {
  known.add(path)
  const text = typeof body === 'string' ? body : `${JSON.stringify(body, null, 2)}\n`
  const file = join(ROOT, path)
  if (check) {
    const there = await readFile(file, 'utf8').catch(() => undefined)
    if (there !== text) different.push(path)
  } else {
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }
}
for (const folder of ['docs/schemas', 'docs/openapi', 'docs/runbooks', 'examples/grafana/dashboards']) {
  for (const name of await readdir(join(ROOT, folder)).catch(() => [])) {
    const path = `${folder}/${name}`
    if (known.has(path)) continue
    if (check) different.push(`${path} (nothing generates it any more)`)
    else await rm(join(ROOT, path))
  }
}
if (different.length > 0) {
  console.error(
    `These differ from the code; run \`npm run docs\` and commit them:\n${different.map((path) => `  ${path}`).join('\n')}`,
  )
  process.exitCode = 1
} else {
  console.log(`${generated.size} generated documents ${check ? 'are current' : 'written'}`)
}
