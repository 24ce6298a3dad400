import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

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

export interface DashboardQuery {
  /** File and panel, for error messages. */
  where: string
  language: 'prometheus' | 'loki'
  expr: string
}

/** The queries of the dashboards in `examples/grafana`. */
export async function readDashboardQueries(): Promise<DashboardQuery[]> {
  const files = (await readdir(FOLDER)).sort()
  const dashboards = await Promise.all(
    files.map(async (file) => ({ file, ...Dashboard.parse(JSON.parse(await readFile(`${FOLDER}${file}`, 'utf8'))) })),
  )
  return dashboards.flatMap(({ file, panels }) =>
    panels.flatMap(({ title, datasource, targets }) =>
      targets.map(({ expr }) => ({ where: `${file}, "${title}"`, language: datasource.type, expr })),
    ),
  )
}
