/** `npm start`: all servers in one process on one port, and one real training. */
import { memoryUsage } from 'node:process'
import { formatBytes, formatDuration } from '@trainyard/contract/format'
import { ROOT, run } from './lib/run.ts'
import { createTerminal } from './lib/terminal.ts'
import { readStartOptions, START_HELP, type StartOptions, UsageError } from './start/options.ts'
import { createStages, type Stages } from './start/stages.ts'
import type { Trainyard } from './start/trainyard.ts'

const terminal = createTerminal(process.stdout)

async function main(options: StartOptions): Promise<number> {
  if (options.resetPassword !== undefined) {
    const { resetPassword } = await import('./start/reset-password.ts')
    process.stdout.write(await resetPassword(options, options.resetPassword, process.env))
    return 0
  }
  if (options.link) {
    const { printLink } = await import('./start/print-link.ts')
    process.stdout.write(await printLink(options, process.env))
    return 0
  }
  const stages = createStages(terminal)
  const began = Number(process.env.TRAINYARD_SETUP_STARTED ?? Date.now())
  const stopRequested = untilSignal()
  let trainyard: Trainyard | undefined
  if (!options.serve) await (await import('./start/trainer-image.ts')).requireImageCanBeBuilt(process.env)
  try {
    trainyard = await stages.run('registry, runner and web', (note) => open(options, note))
    if (trainyard.setup !== undefined) terminal.line(`\n${trainyard.setup}`)
    if (trainyard.warning !== undefined) terminal.line(terminal.style('red', `! ${trainyard.warning}`))
    if (options.serve) terminal.line(`\nTrainyard is running at ${trainyard.url}`)
    const link = await trainyard.createLink()
    if (link !== undefined) {
      terminal.line(`Sign a browser in with this link, once, within ten minutes:\n  ${link}`)
      terminal.line('Later, "npm start -- --link" prints a new one.')
    }
    if (!options.serve) {
      const { runMainJob } = await import('./start/main-job.ts')
      const result = await Promise.race([runMainJob(trainyard, stages, terminal), stopRequested, trainyard.failed])
      if (result === undefined) return 130
      terminal.line()
      terminal.line(terminal.style('bold', `test accuracy ${result.testAccuracy.toFixed(4)}`))
      terminal.line(`checkpoint    ${result.checkpoint}`)
      printTimes(stages, Date.now() - began)
      printNext(trainyard, result.job.id)
    }
    if (options.once) return 0
    terminal.line(`\nPress Ctrl-C to stop. All data is in ${trainyard.dataDir}.`)
    await Promise.race([stopRequested, trainyard.failed])
    return 0
  } finally {
    // With --once nothing should remain: a container that ends a moment later would stay until the next start.
    if (options.once && trainyard !== undefined) await Promise.race([tidyUp(trainyard), stopRequested])
    await trainyard?.stop()
  }
}

const CLEANUP_MS = 60_000

async function tidyUp(trainyard: Trainyard): Promise<void> {
  const left = await trainyard.awaitCleanup(CLEANUP_MS).catch(() => [])
  if (left.length > 0)
    terminal.line(
      `Job ${left.join(', ')} left processes or containers behind; the next start with the same data removes them.`,
    )
}

/** The pages are TypeScript with JSX, which Node cannot run directly, so they are built first. */
async function open(options: StartOptions, note: (text: string) => void): Promise<Trainyard> {
  note('building the pages')
  const { code, output } = await run(process.execPath, ['--conditions=trainyard-source', 'packages/web/build.ts'], {
    cwd: ROOT,
    capture: true,
  })
  if (code !== 0) throw new Error(`cannot build the pages:\n${output}`)
  const { startTrainyard } = await import('./start/trainyard.ts')
  const trainyard = await startTrainyard({
    ...options,
    env: settingsOf(options),
    onProgress: note,
    onNotice: (text) => terminal.line(text),
  })
  note(trainyard.url)
  return trainyard
}

function settingsOf({ allowUnsandboxed }: StartOptions): NodeJS.ProcessEnv {
  return allowUnsandboxed ? { ...process.env, SUBPROCESS_ALLOW_UNSANDBOXED: 'true' } : process.env
}

function printTimes(stages: Stages, totalMs: number): void {
  const rows = stages.summary().map(({ title, durationMs }) => `${title} ${formatDuration(durationMs)}`)
  terminal.line(`times         ${rows.join(' · ')} · all ${formatDuration(totalMs)}`)
  terminal.line(`memory        ${formatBytes(memoryUsage().rss)} in this process`)
}

function printNext({ url, ownerTokenFile }: Trainyard, jobId: number): void {
  terminal.line('\nOpen next:')
  terminal.line(`  ${url}/jobs/${jobId}    the job: curves, logs, checkpoints`)
  terminal.line(`  ${url}/    the marketplace`)
  terminal.line(`  ${url}/openapi    the HTTP APIs, to try out`)
  const host = new URL(url).host
  terminal.line(`Push your own trainer:`)
  terminal.line(`  docker login ${host} -u local --password-stdin < ${ownerTokenFile}`)
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        terminal.line('\nStopping …')
        resolve(undefined)
      })
    }
  })
}

try {
  const options = readStartOptions(process.argv.slice(2), process.env)
  if (options === undefined) process.stdout.write(START_HELP)
  else process.exitCode = await main(options)
} catch (error) {
  const expected =
    error instanceof UsageError || (error instanceof Error && ['ConfigError', 'TrainyardError'].includes(error.name))
  const text = error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error)
  terminal.line(`${terminal.style('red', 'trainyard:')} ${text}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
// Leftovers of a hanging shutdown must not keep the process alive.
setTimeout(() => process.exit(), 5000).unref()
