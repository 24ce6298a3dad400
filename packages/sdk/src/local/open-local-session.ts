import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { EXIT_CODES, type TrainerManifest } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import { findManifest } from '../config/find-manifest.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { OpenedSession, OpenSessionOptions } from '../session/opened-session.ts'
import { readExportFormat } from '../session/read-export-format.ts'
import { Session } from '../session/session.ts'
import type { JobSettings } from '../session/settings.ts'
import { printLine } from '../util/print-line.ts'
import { type LocalArguments, parseArguments } from './arguments.ts'
import { helpText } from './help.ts'
import { createLocalBackend, createRunDir } from './local-backend.ts'
import { createProgressLine } from './progress-line.ts'
import { findRunRecord, type RunRecord, writeRunRecord } from './run-record.ts'
import { describePredictions, RunSummary } from './run-summary.ts'

/** Opens a run with the arguments of the command line. */
export async function openLocalSession(
  trainer: TrainerDefinition,
  options: OpenSessionOptions,
): Promise<OpenedSession> {
  const { argv, stop } = options
  const manifest = findManifest(trainer.manifest, process.argv[1])
  const input = parseArguments(argv, options.env, manifest)
  if (input.help) {
    process.stdout.write(helpText(basename(process.argv[1] ?? 'main.js'), trainer, manifest))
    return { type: 'ended', exitCode: EXIT_CODES.done }
  }
  const { operation } = input
  if (operation === 'train' && trainer.train !== undefined && input.dataset === undefined) {
    throw new ConfigError('--dataset is not set; expected the folder of a dataset. See --help for examples')
  }
  const config = resolveConfig(input.env, manifest)
  const exportFormat = readExportFormat(
    input.format ?? (operation === 'export' ? manifest?.exportFormats[0] : undefined),
    manifest,
    '--format',
  )
  const runDir = createRunDir(input.runsDir, await readdir(input.runsDir).catch((): string[] => []))
  const workDir = join(runDir, 'work')
  await mkdir(workDir, { recursive: true })
  const { model, taskType } = await chooseModel(input, manifest)
  await writeRunRecord(runDir, { model, taskType })
  const settings: JobSettings = {
    id: 0,
    attempt: 1,
    operation,
    taskType,
    framework: manifest?.framework ?? 'local',
    model,
    traceId: randomBytes(16).toString('hex'),
    config,
    workDir,
    manifest,
    exportFormat,
  }
  const line = createProgressLine(process.stdout)
  const summary = new RunSummary(operation, runDir)
  const isVerbose = options.env.LOG_LEVEL?.toLowerCase() === 'debug'
  const session = new Session({
    settings,
    backend: createLocalBackend(runDir, input, summary),
    stop,
    allowNaN: trainer.allowNaN ?? false,
    print(level, message) {
      if (level === 'debug' && !isVerbose) return
      line.interrupt()
      printLine(level, message)
    },
    show(progress) {
      if (progress.metrics !== undefined) summary.metrics(progress.metrics)
      line.show(progress)
    },
    showPredictions(imageName, objects) {
      summary.predicted(imageName)
      line.interrupt()
      process.stdout.write(`${describePredictions(imageName, objects)}\n`)
    },
  })
  session.log('info', `Run ${relative(process.cwd(), runDir) || runDir}: ${operation} ${settings.model}`)
  return {
    type: 'ready',
    session,
    summarize(end) {
      line.interrupt()
      process.stdout.write(`${summary.describe(end).join('\n')}\n`)
    },
  }
}

/** The model and the task of the arguments, else those that trained the checkpoint, else the first of the manifest. */
async function chooseModel(
  { model, task, checkpoint }: LocalArguments,
  manifest: TrainerManifest | undefined,
): Promise<RunRecord> {
  const record = checkpoint === undefined ? undefined : await findRunRecord(checkpoint)
  const models = manifest?.models.map(({ name }) => name) ?? []
  const trained = record !== undefined && (models.length === 0 || models.includes(record.model)) ? record : undefined
  return {
    model: model ?? trained?.model ?? models[0] ?? 'default',
    taskType: task ?? trained?.taskType ?? manifest?.taskTypes[0] ?? 'classification',
  }
}
