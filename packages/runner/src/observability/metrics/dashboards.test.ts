import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startHarness } from '../../testing/harness.ts'
import { parseExposition } from './parse-exposition.ts'

const FOLDER = fileURLToPath(new URL('../../../../../examples/grafana/dashboards/', import.meta.url))
const Dashboard = z.object({
  uid: z.string(),
  panels: z
    .array(
      z.object({
        title: z.string(),
        datasource: z.object({ type: z.enum(['prometheus', 'loki']), uid: z.string() }),
        targets: z.array(z.object({ expr: z.string() })).min(1),
      }),
    )
    .min(1),
})
const METRIC = /\b(?:trainyard|process|nodejs)_[a-z0-9_]+/g

it("names in Grafana's panels only metrics that /metrics exports, and leaves none of ours out", async () => {
  const harness = await startHarness({ config: { metrics: { open: true } } })
  const { types } = parseExposition(await (await harness.request('/metrics')).text())
  await harness.close()
  const exported = new Set<string>()
  for (const [name, type] of types)
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) exported.add(`${name}${suffix}`)

  const used = new Set<string>()
  for (const file of await readdir(FOLDER)) {
    const dashboard = Dashboard.parse(JSON.parse(await readFile(`${FOLDER}${file}`, 'utf8')))
    for (const { title, datasource, targets } of dashboard.panels)
      for (const { expr } of datasource.type === 'prometheus' ? targets : []) {
        const names = expr.match(METRIC) ?? []
        expect(names, `${file}, "${title}": ${expr}`).not.toEqual([])
        for (const name of names) {
          expect(exported, `${file}, "${title}"`).toContain(name)
          used.add(name.replace(/_bucket$/, ''))
        }
      }
  }
  const ours = [...types.keys()].filter((name) => name.startsWith('trainyard_'))
  expect(ours.filter((name) => !used.has(name))).toEqual([])
})
