import { execFile } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isOver, startHarness } from '../../testing/harness.ts'
import { readDashboardQueries } from '../testing/read-dashboards.ts'

const program = process.env.PROMTOOL
if (program === undefined)
  console.warn("SKIPPED: Prometheus' own checks. Set PROMTOOL to the program promtool, https://prometheus.io/download/")

/** The exit code and all output. */
async function promtool(args: readonly string[], input = ''): Promise<{ code: number; output: string }> {
  return await new Promise((resolve) => {
    const child = execFile(program ?? '', args, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, output: stdout + stderr }),
    )
    // It can exit without reading its input.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

describe.skipIf(program === undefined)('promtool', () => {
  it('reports no problem in /metrics after a job', async () => {
    const harness = await startHarness({
      start: true,
      config: { metrics: { open: true }, observability: { database: {}, limits: { intervalMs: 20 } } },
    })
    const { id } = await harness.createJob()
    await harness.waitFor(id, isOver)
    const finished = async () => (await harness.getJob(id)).experiments?.[0]?.state
    await expect.poll(finished, { timeout: 30_000 }).toBe('finished')
    const text = await (await harness.request('/metrics')).text()
    await harness.close()
    expect(text).toContain('trainyard_observability_sent_total{backend="database"')
    const { code, output } = await promtool(['check', 'metrics'], text)
    // Ignores Node's metrics: prom-client has gauges whose names end with "_total".
    const ours = output.split('\n').filter((line) => line.startsWith('trainyard_'))
    expect(ours).toEqual([])
    expect([0, 3], output).toContain(code)
  })

  it('reports problems in invalid metrics', async () => {
    expect(await promtool(['check', 'metrics'], '# TYPE trainyard_jobs_total gauge\ntrainyard_jobs_total 1\n')).toEqual(
      {
        code: 3,
        output: expect.stringContaining('trainyard_jobs_total'),
      },
    )
    expect((await promtool(['check', 'metrics'], 'a{b="1} 1\n')).code).not.toBe(0)
  })

  it('accepts the queries in Grafana’s panels', async () => {
    const format = ['--experimental', 'promql', 'format']
    for (const { where, language, expr } of await readDashboardQueries()) {
      if (language !== 'prometheus') continue
      const { code, output } = await promtool([...format, expr])
      expect(code, `${where}: ${expr}: ${output}`).toBe(0)
    }
    expect((await promtool([...format, 'sum by (a (b)'])).code).not.toBe(0)
  })
})
