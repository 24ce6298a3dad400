import { expect, it } from 'vitest'
import { startHarness } from '../../testing/harness.ts'
import { testInfo } from '../adapter.cases.ts'
import { pushBody } from '../loki/push-body.ts'
import { parseExposition } from '../testing/parse-exposition.ts'
import { readDashboardQueries } from '../testing/read-dashboards.ts'
import { RunnerTelemetry } from './telemetry.ts'

const METRIC = /\b(?:trainyard|process|nodejs)_[a-z0-9_]+/g
/** Those of the registry are compared with the registry's. */
const isOurs = (name: string) => !name.startsWith('trainyard_registry_')
/** Labels that Prometheus adds to scraped metrics and to histograms. */
const ADDED = ['job', 'instance', 'le']

/** Labels that a query groups or selects by. */
function labelsOf(expr: string): string[] {
  const grouped = [...expr.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, */))
  const selected = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, matchers = '']) =>
    [...matchers.matchAll(/(\w+) *(?:=~|!~|!=|=)/g)].map(([, name = '']) => name),
  )
  return [...grouped, ...selected]
}

it('Grafana’s panels use only metrics that /metrics exports, and all of ours', async () => {
  const harness = await startHarness({ config: { metrics: { open: true } } })
  const { types } = parseExposition(await (await harness.request('/metrics')).text())
  await harness.close()
  const exported = new Set<string>()
  for (const [name, type] of types)
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) exported.add(`${name}${suffix}`)

  const used = new Set<string>()
  for (const { where, language, expr } of await readDashboardQueries()) {
    if (language !== 'prometheus') continue
    const names = expr.match(METRIC) ?? []
    expect(names, `${where}: ${expr}`).not.toEqual([])
    for (const name of names.filter(isOurs)) {
      expect(exported, where).toContain(name)
      used.add(name.replace(/_bucket$/, ''))
    }
  }
  const ours = [...types.keys()].filter((name) => name.startsWith('trainyard_'))
  expect(ours.filter((name) => !used.has(name))).toEqual([])
})

it('Grafana’s panels use only labels that the metrics have', async () => {
  const harness = await startHarness()
  const { registry } = harness.runner.context.telemetry
  const labelNames = (metric: string): readonly string[] => {
    const found = registry.getSingleMetric(metric.replace(/_bucket$/, ''))
    return found !== undefined && 'labelNames' in found ? (found.labelNames as string[]) : []
  }
  for (const { where, language, expr } of await readDashboardQueries()) {
    if (language !== 'prometheus' || !(expr.match(METRIC) ?? []).every(isOurs)) continue
    const known = [...(expr.match(METRIC) ?? []).flatMap(labelNames), ...ADDED]
    for (const label of labelsOf(expr)) expect(known, `${where}: ${expr}`).toContain(label)
  }
  await harness.close()
  // The check finds labels.
  expect(labelsOf('sum by (backend, le) (rate(a{kind="x"}[5m]))')).toEqual(['backend', 'le', 'kind'])
})

it('Grafana’s panels select lines only by labels that are sent to Loki', async () => {
  const line = { id: 1, level: 'error', source: 'stderr', message: 'x', time: new Date(0) } as const
  const [pushed] = pushBody([line], testInfo(), true).streams
  const queries = (await readDashboardQueries()).filter(({ language }) => language === 'loki')
  expect(queries.length).toBeGreaterThan(0)
  for (const { where, expr } of queries)
    for (const label of labelsOf(expr)) expect(Object.keys(pushed?.stream ?? {}), where).toContain(label)
})

it('every metric has a help text', async () => {
  const metrics = await new RunnerTelemetry().registry.getMetricsAsJSON()
  for (const { name, help } of metrics) expect(help.length, name).toBeGreaterThan(10)
})
