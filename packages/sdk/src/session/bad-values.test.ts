import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ValidationError } from '@trainyard/contract/trainer-errors'
import { type CallbackServer, createEnvironment, startCallbackServer } from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PredictJob, TrainJob } from '../job.ts'
import { createPredictJob, createTrainJob } from '../lifecycle/create-job.ts'
import { openSession } from '../lifecycle/open-session.ts'
import type { Session } from './session.ts'

let platform: CallbackServer
let dir: string
let file: string
beforeEach(async () => {
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-bad-'))
  file = join(dir, 'best.bin')
  writeFileSync(file, 'weights')
})
afterEach(async () => {
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

type AnyJob = Omit<TrainJob, 'operation'> & Omit<PredictJob, 'operation'>
type Call = (job: AnyJob) => unknown
const any = (value: unknown) => value as never
const NAN = Number.NaN
const circular: Record<string, unknown> = {}
circular.self = circular

/** Calls with a value that the platform refuses, and what their error must name. */
const BAD: readonly [string, Call, RegExp][] = [
  [
    'a name that leaves the folder',
    (job) => job.artifact('other', file, { name: '../../evil' }),
    /name is "\.\.\/\.\.\/evil"; it must be a relative path/,
  ],
  ['an absolute name', (job) => job.artifact('other', file, { name: '/etc/evil' }), /name is "\/etc\/evil"/],
  ['a name with a backslash', (job) => job.artifact('other', file, { name: 'a\\\\b' }), /name is/],
  ['a name with a line break', (job) => job.artifact('other', file, { name: 'a\nb' }), /name is "a\\nb"/],
  ['an empty name', (job) => job.artifact('other', file, { name: '' }), /name is ""; it must be at least 1 character/],
  [
    'a name that is too long',
    (job) => job.artifact('other', file, { name: 'n'.repeat(1025) }),
    /must be at most 1024 characters/,
  ],
  ['a name that is a number', (job) => job.artifact('other', file, { name: any(7) }), /name is 7; it must be a string/],
  ['an unknown kind', (job) => job.artifact(any('model'), file), /kind is "model"; it must be one of "checkpoint"/],
  ['no kind', (job) => job.artifact(any(undefined), file), /kind is undefined; it (must be|is required)/],
  ['an empty content type', (job) => job.artifact('other', file, { contentType: '' }), /contentType is ""/],
  ['metadata that is a list', (job) => job.artifact('other', file, { metadata: any([1]) }), /metadata is \[1\]/],
  ['metadata in a circle', (job) => job.artifact('other', file, { metadata: circular }), /cannot be written as JSON/],
  ['no file', (job) => job.artifact('other', any(undefined)), /the value is undefined; it/],
  ['an empty path', (job) => job.checkpoint('best', ''), /the value is ""; it must be at least 1 character/],
  ['a path with NUL', (job) => job.checkpoint('best', 'a\u0000b'), /without the character NUL/],
  [
    'a checkpoint that leaves the folder',
    (job) => job.checkpoint('../../evil', file),
    /name is "\.\.\/\.\.\/evil\.bin"/,
  ],
  ['a checkpoint without a name', (job) => job.checkpoint('', file), /name is ""; it must be at least 1 character/],
  ['a checkpoint whose name is undefined', (job) => job.checkpoint(any(undefined), file), /name is undefined/],
  [
    'a negative epoch of a checkpoint',
    (job) => job.checkpoint('best', file, { epoch: -1 }),
    /epoch is -1; it must be at least 0/,
  ],
  [
    'a fractional epoch of a checkpoint',
    (job) => job.checkpoint('best', file, { epoch: 1.5 }),
    /epoch is 1\.5; it must be an integer/,
  ],
  [
    'a metric of a checkpoint as text',
    (job) => job.checkpoint('best', file, { metrics: { loss: any('low') } }),
    /metrics\.loss is "low"/,
  ],
  ['a negative epoch', (job) => job.progress({ epoch: -1 }), /^job\.progress: epoch is -1; it must be at least 0/],
  ['a fractional epoch', (job) => job.progress({ epoch: 0.5 }), /epoch is 0\.5/],
  ['an epoch that is NaN', (job) => job.progress({ epoch: NAN }), /epoch is null|epoch is NaN/],
  ['an epoch as text', (job) => job.progress({ epoch: any('1') }), /epoch is "1"; it must be a number/],
  ['a fractional step', (job) => job.progress({ step: 2.5 }), /step is 2\.5/],
  ['totals below 0', (job) => job.progress({ totalEpochs: -3 }), /totalEpochs is -3/],
  ['a phase that is too long', (job) => job.progress({ phase: 'p'.repeat(51) }), /phase is "p+.*at most 50 characters/],
  [
    'a metric as text',
    (job) => job.progress({ metrics: { loss: any('0.5') } }),
    /metrics\.loss is "0\.5"; it must be a number/,
  ],
  [
    'a metric that is undefined',
    (job) => job.progress({ metrics: { loss: any(undefined) } }),
    /metrics\.loss is "undefined"; it must be a number/,
  ],
  ['a metric without a name', (job) => job.progress({ metrics: { '': 1 } }), /metrics/],
  ['a metric whose name is too long', (job) => job.progress({ metrics: { ['m'.repeat(251)]: 1 } }), /metrics\.m+/],
  ['metrics as a list', (job) => job.progress({ metrics: any([1]) }), /metrics is \[1\]/],
  ['metrics that are null', (job) => job.progress({ metrics: any(null) }), /metrics is null/],
  ['an unknown split', (job) => job.validation({ metrics: { a: 1 }, split: any('dev') }), /split is "dev"/],
  [
    'a goal that does not exist',
    (job) => job.validation({ metrics: { a: 1 }, primary: { name: 'a', value: 1, goal: any('up') } }),
    /primary\.goal is "up"/,
  ],
  [
    'metrics of classes as numbers',
    (job) => job.validation({ metrics: { a: 1 }, perClass: { cat: any(1) } }),
    /perClass\.cat is 1/,
  ],
  [
    'a confusion matrix of fractions',
    (job) => job.validation({ metrics: { a: 1 }, confusionMatrix: { classes: ['a'], counts: [[0.5]] } }),
    /confusionMatrix\.counts\.0\.0 is 0\.5/,
  ],
  [
    'a confidence above 1',
    (job) => job.predictions('a.png', [{ classId: 0, className: 'cat', confidence: 2 }]),
    /predictions\.0\.confidence is 2/,
  ],
  [
    'a box of three numbers',
    (job) => job.predictions('a.png', [{ classId: 0, className: 'cat', confidence: 1, bbox: any([1, 2, 3]) }]),
    /predictions\.0\.bbox/,
  ],
  [
    'a negative time of inference',
    (job) => job.predictions('a.png', [], { inferenceTimeMs: -1 }),
    /inferenceTimeMs is -1/,
  ],
]

/** What a call gives: nothing, or its error. Every call is a method that throws or a promise that rejects. */
async function outcomeOf(call: Call, session: Session): Promise<unknown> {
  const job: AnyJob = Object.assign(createPredictJob(session), createTrainJob(session))
  try {
    await call(job)
    return undefined
  } catch (error) {
    return error
  }
}

async function openOn(where: 'platform' | 'local', stop = new AbortController()): Promise<Session> {
  mkdirSync(join(dir, 'data'), { recursive: true })
  const env = where === 'platform' ? createEnvironment(platform.url, dir) : {}
  const argv = ['train', '--dataset', join(dir, 'data'), '--runs', join(dir, 'runs')]
  const opened = await openSession({ train: async () => undefined }, { env, argv, stop })
  if (opened.type !== 'ready') throw new Error(`the session ended with ${opened.exitCode}`)
  return opened.session
}

describe('a bad value', () => {
  it.each(BAD)('(%s) has the same error on a platform and without one', async (_what, call, message) => {
    const [onPlatform, local] = [await openOn('platform'), await openOn('local')]
    const errors = [await outcomeOf(call, onPlatform), await outcomeOf(call, local)]
    await onPlatform.close({ timeoutMs: 5000 })
    for (const error of errors) {
      expect(error).toBeInstanceOf(ValidationError)
      expect(error).toMatchObject({ message: expect.stringMatching(message), retryable: false })
    }
    expect(String(errors[0])).toBe(String(errors[1]))
    // Nothing of it was announced, reported, or written.
    expect(platform.requests.filter((request) => !request.endsWith('/events'))).toEqual([])
    expect(platform.events).toEqual([])
    expect(readdirSync(dir).sort()).toEqual(['best.bin', 'data', 'runs', 'work'])
    expect(readdirSync(join(dir, 'runs/1')).sort()).toEqual(['journal.jsonl', 'run.json', 'work'])
  })

  it.each<[string, Call, string]>([
    ['that does not exist', (job) => job.checkpoint('best', join(dir, 'gone.bin')), 'CheckpointError'],
    ['that does not exist', (job) => job.artifact('log', join(dir, 'gone.log')), 'ResourceError'],
    ['that is an empty checkpoint', (job) => job.checkpoint('best', emptyFile()), 'CheckpointError'],
    ['that is an empty folder', (job) => job.checkpoint('best', emptyFolder()), 'CheckpointError'],
    ['that is a device', (job) => job.artifact('other', '/dev/null', { name: 'null' }), 'ValidationError'],
  ])('of a file %s has the same error on a platform and without one', async (_what, call, type) => {
    const [onPlatform, local] = [await openOn('platform'), await openOn('local')]
    const errors = [await outcomeOf(call, onPlatform), await outcomeOf(call, local)]
    await onPlatform.close({ timeoutMs: 5000 })
    expect(errors.map((error) => (error instanceof Error ? error.name : 'none'))).toEqual([type, type])
    expect(String(errors[0])).toBe(String(errors[1]))
    expect(platform.artifacts.size).toBe(0)
  })
})

function emptyFile(): string {
  writeFileSync(join(dir, 'empty.bin'), '')
  return join(dir, 'empty.bin')
}

function emptyFolder(): string {
  mkdirSync(join(dir, 'empty'), { recursive: true })
  return join(dir, 'empty')
}

describe('a log call', () => {
  it('never fails, and always leaves a valid line', async () => {
    const session = await openOn('platform')
    const { log } = createTrainJob(session)
    log(any(undefined))
    log('text', any('not an object'))
    log('text', any([1]))
    log.event(any('e'.repeat(200)), 'text', { level: any('warn') })
    log('text', circular)
    await session.close({ timeoutMs: 5000 })
    expect(platform.events.map(({ level, eventType }) => ({ level, length: String(eventType ?? '').length }))).toEqual([
      { level: 'info', length: 0 },
      { level: 'info', length: 0 },
      { level: 'info', length: 0 },
      { level: 'info', length: 100 },
      { level: 'info', length: 0 },
    ])
    expect(platform.events[1]?.data).toEqual({ value: 'not an object' })
  })
})

describe('a run without a platform', () => {
  it.each(['journal.jsonl', 'work/model.bin', `${'n'.repeat(300)}.bin`])(
    'keeps an artifact named %s apart',
    async (name) => {
      const session = await openOn('local')
      session.log('info', 'first line')
      const { id } = await createTrainJob(session).artifact('other', file, { name })
      expect(readFileSync(join(dir, 'runs/1/journal.jsonl'), 'utf8')).toContain('first line')
      const saved = readdirSync(join(dir, 'runs/1/artifacts'))
      expect(saved).toHaveLength(1)
      expect(readFileSync(join(dir, 'runs/1/artifacts', saved[0] ?? ''), 'utf8')).toBe('weights')
      expect(id.length).toBeGreaterThan(0)
    },
  )

  it('keeps the last of two checkpoints of one name, however they are awaited', async () => {
    const session = await openOn('local')
    const job = createTrainJob(session)
    const other = join(dir, 'other.bin')
    writeFileSync(other, 'newer weights')
    await Promise.all([job.checkpoint('best', file), job.checkpoint('best', other)])
    expect(readFileSync(join(dir, 'runs/1/best.bin'), 'utf8')).toBe('newer weights')
  })

  it('refuses an upload after its end', async () => {
    const session = await openOn('local')
    session.completeTrain()
    await expect(createTrainJob(session).checkpoint('best', file)).rejects.toThrow(/was called after the job had ended/)
  })
})
