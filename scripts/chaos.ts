/**
 * `npm run chaos -- [--launcher subprocess|docker|kubernetes] [--kills 100] [--minutes 60] [--seed N]
 * [--sandbox auto|bubblewrap|none] [--image NAME] [--backlog FILES] [--orchestrator database|temporal]`. Ctrl+C ends the kills and checks the result.
 *
 * `--backlog FILES` keeps sixty jobs in progress, on a dataset of that many files, and cancels every other one: in the queue, and
 * while its dataset is checked and it is launched. Each must end soon after its cancel, whatever is killed meanwhile.
 *
 * `--orchestrator temporal` starts a server of its own with Temporal's command line program (TEMPORAL_CLI, default `temporal`), and
 * kills it, too.
 */
import { z } from 'zod'
import { ORCHESTRATORS } from '../packages/runner/src/config/orchestrators.ts'
import { LAUNCHERS, type LauncherName } from '../packages/runner/src/launchers/create-launcher.ts'
import type { ChaosLauncher } from '../packages/runner/src/testing/chaos/chaos-launcher.ts'
import { dockerChaos } from '../packages/runner/src/testing/chaos/docker.ts'
import { kubernetesChaos } from '../packages/runner/src/testing/chaos/kubernetes.ts'
import { runChaos } from '../packages/runner/src/testing/chaos/run-chaos.ts'
import { subprocessChaos } from '../packages/runner/src/testing/chaos/subprocess.ts'
import { withTemporal } from '../packages/runner/src/testing/chaos/temporal.ts'
import { readFlags } from './lib/read-flags.ts'

const values = readFlags(import.meta.url, {
  kills: { type: 'string', default: '100' },
  minutes: { type: 'string', default: '60' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  sandbox: { type: 'string', default: 'none' },
  launcher: { type: 'string', default: 'subprocess' },
  image: { type: 'string' },
  backlog: { type: 'string' },
  orchestrator: { type: 'string', default: 'database' },
})
const read = z
  .object({
    kills: z.coerce.number().int().positive(),
    minutes: z.coerce.number().positive(),
    seed: z.coerce.number().int(),
    sandbox: z.enum(['auto', 'bubblewrap', 'none']),
    launcher: z.enum(LAUNCHERS),
    image: z.string().optional(),
    backlog: z.coerce.number().int().positive().optional(),
    orchestrator: z.enum(ORCHESTRATORS),
  })
  .safeParse(values)
if (!read.success) {
  console.error(`${z.prettifyError(read.error)}\n\nsee npm run chaos -- --help`)
  process.exit(2)
}
const options = read.data

async function createChaosLauncher(name: LauncherName): Promise<ChaosLauncher> {
  if (name === 'docker') return await dockerChaos(process.env, options.image)
  if (name === 'kubernetes') return kubernetesChaos(process.env, options.image)
  return subprocessChaos(options.sandbox)
}

const ordinary = await createChaosLauncher(options.launcher)
const launcher =
  options.orchestrator === 'temporal' ? await withTemporal(ordinary, process.env.TEMPORAL_CLI ?? 'temporal') : ordinary
const sandbox = options.launcher === 'subprocess' ? `, sandbox "${options.sandbox}"` : ''
const backlog = options.backlog === undefined ? '' : `, a backlog on ${options.backlog} files`
console.log(
  `seed ${options.seed}: ${options.kills} kills, launcher "${options.launcher}"${sandbox}${backlog}, orchestrator "${options.orchestrator}"`,
)
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
setTimeout(() => stop.abort(), options.minutes * 60_000).unref()
const report = await runChaos({
  signal: stop.signal,
  seed: options.seed,
  kills: options.kills,
  launcher,
  backlogFiles: options.backlog,
  log: (text) => console.log(text),
})
console.table(report.kills)
console.table(report.jobs)
console.log(`${report.attempts} attempts, ${report.events} events, ${report.seconds.toFixed(0)} s, seed ${report.seed}`)
for (const problem of report.problems) console.error(`PROBLEM: ${problem}`)
console.log(
  report.problems.length === 0
    ? 'nothing was lost, run twice or left behind'
    : `${report.problems.length} problems found`,
)
process.exitCode = report.problems.length === 0 ? 0 : 1
