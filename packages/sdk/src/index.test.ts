import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { convertDataset, createDataYaml, defineTrainer, splitDataset, validateDataset } from './index.ts'
import { SDK_NAME } from './util/version.ts'

it('importing the SDK loads neither zod nor the dataset code', async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outdir: 'out',
    write: false,
    metafile: true,
    conditions: ['trainyard-source'],
  })
  const eager = new Set<string>()
  const visit = (file: string) => {
    if (eager.has(file)) return
    eager.add(file)
    for (const { path, kind } of metafile.outputs[file]?.imports ?? []) if (kind === 'import-statement') visit(path)
  }
  visit('out/index.js')
  const inputs = [...eager].flatMap((file) => Object.keys(metafile.outputs[file]?.inputs ?? {}))
  expect(inputs.length).toBeGreaterThan(5)
  expect(inputs.filter((file) => /node_modules|packages\/(?!sdk\/)/.test(file))).toEqual([
    'packages/contract/src/trainer-errors.ts',
  ])
  expect([...eager].filter((file) => file.startsWith('node:'))).toEqual([])
  const bytes = [...eager].reduce((sum, file) => sum + (metafile.outputs[file]?.bytes ?? 0), 0)
  expect(bytes).toBeLessThan(20_000)
})

it('exports the conversion calls, which load the dataset code when they are called', () => {
  for (const call of [convertDataset, createDataYaml, splitDataset, validateDataset])
    expect(call).toBeTypeOf('function')
})

it('reports the version of the package in "started"', () => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  expect(SDK_NAME).toBe(`@trainyard/sdk ${(JSON.parse(text) as { version: string }).version}`)
})

it('a handler can return a result, undefined or nothing', () => {
  const trainer = defineTrainer({
    async train(job) {
      return job.id > 0 ? { metrics: {} } : undefined
    },
    async predict(job) {
      job.log('a handler without a return statement')
    },
  })
  expect(trainer.predict).toBeTypeOf('function')
})
