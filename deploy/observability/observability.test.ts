import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EndReason } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { RegistryTelemetry } from '../../packages/registry/src/metrics/telemetry.ts'
import { addStateGauges } from '../../packages/runner/src/observability/metrics/state-gauges.ts'
import { RunnerTelemetry } from '../../packages/runner/src/observability/metrics/telemetry.ts'
import { ROOT } from '../../scripts/lib/run.ts'
import { ALERTS } from './alerts.ts'
import { DASHBOARDS } from './dashboards.ts'

/** The names of all metrics of the servers. No database is needed before they are read. */
function exported(): Set<string> {
  const runner = new RunnerTelemetry()
  addStateGauges(runner, {} as Parameters<typeof addStateGauges>[1])
  const registry = new RegistryTelemetry({} as ConstructorParameters<typeof RegistryTelemetry>[0])
  const names = [runner.registry, registry.registry].flatMap((one) => one.getMetricsAsArray().map(({ name }) => name))
  return new Set(names)
}

const namesIn = (expr: string): string[] =>
  (expr.match(/\btrainyard_[a-z0-9_]+/g) ?? []).map((name) => name.replace(/_(bucket|count|sum)$/, ''))

it('alerts and dashboards use only metrics that the servers have, and the dashboards use all of them', () => {
  const known = exported()
  for (const { name, expr } of ALERTS) for (const metric of namesIn(expr)) expect(known, name).toContain(metric)
  const used = new Set<string>()
  for (const { title, panels } of DASHBOARDS)
    for (const { expr } of panels.flatMap(({ queries }) => queries))
      for (const metric of namesIn(expr)) {
        expect(known, `${title}: ${expr}`).toContain(metric)
        used.add(metric)
      }
  expect([...known].filter((name) => !used.has(name))).toEqual([])
})

it('alerts name end reasons that exist', () => {
  const reasons = ALERTS.flatMap(({ expr }) => /reason=~"([^"]+)"/.exec(expr)?.[1]?.split('|') ?? [])
  expect(reasons.length).toBeGreaterThan(0)
  for (const reason of reasons) expect(EndReason.options).toContain(reason)
})

it('every rule links to its runbook', async () => {
  const rules = await readFile(join(ROOT, 'deploy/observability/alerts.yml'), 'utf8')
  for (const { name } of ALERTS) {
    expect(rules).toContain(`/docs/runbooks/${name}.md`)
    expect(await readFile(join(ROOT, `docs/runbooks/${name}.md`), 'utf8')).toContain('## What to do')
  }
})
