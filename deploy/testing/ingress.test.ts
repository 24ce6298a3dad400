import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { expect, it } from 'vitest'
import { createApp } from '../../packages/registry/src/app.ts'
import { createRunnerApp } from '../../packages/runner/src/app.ts'
import { RunnerTelemetry } from '../../packages/runner/src/observability/metrics/telemetry.ts'
import { createWeb } from '../../packages/web/src/create-web.tsx'
import { ROOT } from '../../scripts/lib/run.ts'
import { findShared, routeTables } from '../../scripts/start/combine-servers.ts'

/** The servers' prefixes in the template of the Ingress. */
async function readPrefixes(): Promise<{ server: string; prefix: string }[]> {
  const template = await readFile(join(ROOT, 'deploy/helm/trainyard/templates/ingress.yaml'), 'utf8')
  return [...template.matchAll(/"(registry|runner|web)" \(list ([^)]*)\)/g)].flatMap(([, server = '', list = '']) =>
    [...list.matchAll(/"([^"]*)"/g)].map(([, prefix = '']) => ({ server, prefix })),
  )
}

it('the Ingress sends every route to the server that has it', async () => {
  const prefixes = await readPrefixes()
  const route = (path: string) =>
    prefixes
      .filter(({ prefix }) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`))
      .toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.server
  const context = {
    logger: createLogger({ name: 'routes', level: 'silent' }),
    telemetry: new RunnerTelemetry(),
    config: {},
  } as unknown as Parameters<typeof createRunnerApp>[0]['trainerContext'] & Parameters<typeof createApp>[0]
  const feeds = {} as Parameters<typeof createRunnerApp>[0]['feeds']
  const tables = routeTables({
    registry: createApp(context),
    runner: createRunnerApp({ context, trainerContext: context, feeds }),
    web: createWeb({ registryUrl: 'http://registry.test', runnerUrl: 'http://runner.test' }).app,
  })
  const wrong = tables.flatMap(({ name, paths }) =>
    paths
      // Metrics are for Prometheus, inside of the cluster.
      .filter((path) => findShared(path)?.served !== 'all' && path !== '/metrics')
      .filter((path) => route(path) !== (findShared(path)?.served ?? name))
      .map((path) => `${path} of ${name} goes to ${route(path)}`),
  )
  expect(wrong).toEqual([])
  expect(tables.flatMap(({ paths }) => paths).length).toBeGreaterThan(80)
})
