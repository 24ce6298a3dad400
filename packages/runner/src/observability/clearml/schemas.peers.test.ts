import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { testArtifact, testInfo, testPoint } from '../adapter.cases.ts'
import type { ExperimentEnd } from '../adapter.ts'
import { fakeClearml } from '../testing/fake-clearml.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createClearmlAdapter } from './index.ts'

const python = process.env.CLEARML_PYTHON
if (python === undefined)
  console.warn(
    "SKIPPED: the schemas of ClearML's client. Set CLEARML_PYTHON to a Python with the client (python3 -m venv v; v/bin/pip install --no-deps clearml; v/bin/python)",
  )

/** Reads the request schemas from the sources of ClearML's client. Importing them would require a configured server. */
const SCHEMAS = `
import ast, importlib.util, json, pathlib
root = pathlib.Path(importlib.util.find_spec('clearml').submodule_search_locations[0]) / 'backend_api/services/v2_23'
found = {}
for file in ('auth', 'projects', 'tasks', 'events'):
    for node in ast.parse((root / (file + '.py')).read_text()).body:
        if not isinstance(node, ast.ClassDef): continue
        values = {}
        for item in node.body:
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                try: values[item.targets[0].id] = ast.literal_eval(item.value)
                except ValueError: pass
        if '_schema' not in values: continue
        name = file + ('.' + values['_action'] if '_action' in values else '/' + node.name)
        if '_action' in values and not node.name.endswith('Request'): continue
        found[name] = values['_schema']
# Some refer to definitions that are in other schemas of the same file.
shared = {}
for schema in found.values(): shared |= schema.get('definitions', {})
for schema in found.values(): schema['definitions'] = shared | schema.get('definitions', {})
print(json.dumps(found))
`
const Schemas = z.record(z.string(), z.record(z.string(), z.unknown()))

describe.skipIf(python === undefined)('the requests of the ClearML adapter', () => {
  it('conform to the schemas of ClearML’s own client', async () => {
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', SCHEMAS], { maxBuffer: 16 * 1024 ** 2 })
    const schemas = Schemas.parse(JSON.parse(stdout))
    const clearml = fakeClearml()
    const server = await startReceiver(clearml.answer)
    await sendEverything(server.url)
    await server.close()

    const problems: string[] = []
    const seen = new Set<string>()
    for (const { path, text } of server.received) {
      const method = path.slice(1)
      seen.add(method)
      if (method === 'events.add_batch') {
        for (const line of text.split('\n')) {
          const event = JSON.parse(line)
          const name = event.type === 'log' ? 'events/TaskLogEvent' : 'events/MetricsScalarEvent'
          problems.push(...problemsOf(schemas[name], event, name))
        }
      } else problems.push(...problemsOf(schemas[method], JSON.parse(text), method))
    }
    expect(problems).toEqual([])
    expect([...seen].sort()).toEqual([
      'auth.login',
      'events.add_batch',
      'projects.create',
      'projects.get_all',
      'tasks.add_or_update_artifacts',
      'tasks.completed',
      'tasks.create',
      'tasks.edit_hyper_params',
      'tasks.failed',
      'tasks.get_all',
      'tasks.started',
      'tasks.stopped',
    ])
    // The check detects invalid requests.
    expect(problemsOf(schemas['tasks.create'], { name: 'x', typ: 'training' }, 'x')).not.toEqual([])
    expect(problemsOf(schemas['tasks.create'], { name: 7, type: 'training' }, 'x')).not.toEqual([])
  })
})

/** Makes every call of the adapter. */
async function sendEverything(apiHost: string): Promise<void> {
  const settings = { apiHost, accessKey: 'key', secretKey: 'secret', project: 'Trainyard' }
  const signal = AbortSignal.timeout(30_000)
  const finishedAt = new Date()
  const ends: ExperimentEnd[] = [
    { state: 'succeeded', reason: 'completed', finishedAt },
    { state: 'failed', reason: 'training_error', message: 'out of luck', finishedAt },
    { state: 'cancelled', reason: 'cancelled_by_user', finishedAt },
  ]
  for (const end of ends) {
    const adapter = createClearmlAdapter(settings)
    const info = testInfo()
    const handle = await adapter.start(info, signal)
    await adapter.logParams(handle, info, signal)
    await adapter.logMetrics(handle, [testPoint(1, 0.5), testPoint(2, 1e-300, 'val/loss')], signal)
    const line = { id: 1, level: 'warning', source: 'stderr', message: 'größer', time: finishedAt } as const
    await adapter.logLines(handle, [line], info, signal)
    await adapter.logArtifact(handle, testArtifact(), signal)
    await adapter.finish(handle, end, info, signal)
  }
}

type Schema = Record<string, unknown>

/** Validates the parts of JSON Schema that these schemas use. Unknown properties are problems. */
function problemsOf(schema: Schema | undefined, value: unknown, where: string, root = schema): string[] {
  if (schema === undefined) return [`${where} is not a request of ClearML`]
  if (typeof schema.$ref === 'string') {
    const definitions = root?.definitions as Record<string, Schema> | undefined
    return problemsOf(definitions?.[schema.$ref.split('/').at(-1) ?? ''], value, where, root)
  }
  const problems: string[] = []
  const types = [schema.type ?? []].flat() as string[]
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    problems.push(`${where} is ${JSON.stringify(value)}, not ${types.join(' or ')}`)
  if ('const' in schema && schema.const !== value)
    problems.push(`${where} is ${JSON.stringify(value)}, not ${schema.const}`)
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    problems.push(`${where} is ${JSON.stringify(value)}, not one of ${schema.enum.join(', ')}`)
  if (Array.isArray(value) && isObject(schema.items))
    for (const [index, item] of value.entries())
      problems.push(...problemsOf(schema.items, item, `${where}[${index}]`, root))
  if (isObject(value) && isObject(schema.properties)) {
    for (const name of (schema.required ?? []) as string[])
      if (!(name in value)) problems.push(`${where}.${name} is missing`)
    for (const [name, part] of Object.entries(value))
      problems.push(...problemsOf(schema.properties[name] as Schema | undefined, part, `${where}.${name}`, root))
  }
  return problems
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  // Enumerations are classes in ClearML's client, and strings with an enum in its schemas.
  return type === 'null' ? value === null : typeof value === type
}
