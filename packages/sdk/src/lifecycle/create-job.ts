import type { ExportFormat } from '@trainyard/contract'
import { ConfigError, ValidationError } from '@trainyard/contract/trainer-errors'
import type { BestTracker, ExportJob, JobBase, JobLog, PredictJob, TrainJob } from '../job.ts'
import type { Session } from '../session/session.ts'

export function createTrainJob(session: Session): TrainJob {
  return {
    ...createBase(session),
    operation: 'train',
    best: createBestTracker(session),
    validation: (validation) => session.validation(validation),
    checkpoint: (name, file, options) => session.checkpoint(name, file, options),
  }
}

export function createPredictJob(session: Session): PredictJob {
  return {
    ...createBase(session),
    operation: 'predict',
    images: () => session.calls.track('job.images()', session.dataset.images()),
    batches: () => session.dataset.batches(),
    predictions: (imageName, objects, options) => session.predictions(imageName, objects, options),
  }
}

export function createExportJob(session: Session): ExportJob {
  const { exportFormat } = session.settings
  if (exportFormat === undefined) throw new ConfigError('EXPORT_FORMAT is not set; expected the format to export to')
  return { ...createBase(session), operation: 'export', exportFormat: exportFormat satisfies ExportFormat }
}

function createBase(session: Session): Omit<JobBase, 'operation'> {
  const { id, attempt, taskType, framework, model, traceId, manifest, config, workDir } = session.settings
  const { calls } = session
  return {
    id,
    attempt,
    taskType,
    framework,
    model,
    traceId,
    isLocal: session.backend.isLocal,
    manifest,
    config,
    signal: session.signal,
    workDir,
    log: createLog(session),
    dataset: {
      fetch: (options) => calls.track('job.dataset.fetch()', session.dataset.fetch(options)),
      samples: () => calls.track('job.dataset.samples()', session.dataset.samples()),
    },
    inputs: {
      checkpoint: () => calls.track('job.inputs.checkpoint()', session.getCheckpoint()),
      findCheckpoint: () => calls.track('job.inputs.findCheckpoint()', session.findCheckpoint()),
    },
    progress: (progress) => session.progress(progress),
    artifact: (kind, file, options) => session.artifact(kind, file, options),
  }
}

function createLog(session: Session): JobLog {
  const info: JobLog['info'] = (message, data) => session.log('info', message, data)
  return Object.assign((message: string, data?: Record<string, unknown>) => info(message, data), {
    info,
    debug: (message: string, data?: Record<string, unknown>) => session.log('debug', message, data),
    warning: (message: string, data?: Record<string, unknown>) => session.log('warning', message, data),
    error: (message: string, data?: Record<string, unknown>) => session.log('error', message, data),
    event: (eventType: string, message: string, options: Parameters<JobLog['event']>[2] = {}) =>
      session.log(options.level ?? 'info', message, options.data, eventType),
  })
}

function createBestTracker(session: Session): BestTracker {
  const best = new Map<string, { value: number; epoch: number | undefined }>()
  let firstName: string | undefined
  const track = (name: string, value: number, options: Parameters<BestTracker>[2] = {}): boolean => {
    if (typeof value !== 'number') {
      throw new ValidationError(`job.best: the value of "${name}" is ${JSON.stringify(value)}; it must be a number`)
    }
    firstName ??= name
    if (!Number.isFinite(value)) return false
    const goal = options.goal ?? session.goalOf(name)
    const held = best.get(name)
    const isBetter = held === undefined || (goal === 'maximize' ? value > held.value : value < held.value)
    if (isBetter) best.set(name, { value, epoch: session.epoch })
    return isBetter
  }
  const bestOfFirst = () => (firstName === undefined ? undefined : best.get(firstName))
  return Object.defineProperties(track, {
    value: { get: () => bestOfFirst()?.value ?? Number.NaN },
    epoch: { get: () => bestOfFirst()?.epoch },
  }) as BestTracker
}
