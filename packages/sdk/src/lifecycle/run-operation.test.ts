import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type CallbackServer,
  createDice,
  createEnvironment,
  createPng,
  problem,
  sendJson,
  startCallbackServer,
  writeFiles,
} from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let platform: CallbackServer
let dir: string
beforeEach(async () => {
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-run-'))
})
afterEach(async () => {
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

interface Run {
  child: ChildProcess
  ended: Promise<{ code: number | null; signal: string | null; output: string }>
}

function start(env: Record<string, string>, args: string[] = []): Run {
  const program = fileURLToPath(new URL('../testing/trainer-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=trainyard-source', program, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const ended = new Promise<Awaited<Run['ended']>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
  return { child, ended }
}

const onPlatform = (env: Record<string, string> = {}) => start({ ...createEnvironment(platform.url, dir), ...env })
const pictureOf = ({ path, bytes }: { path: string; bytes: Buffer }) => ({
  name: path,
  sizeBytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  request: {
    method: 'GET',
    url: `${new URL(platform.url).origin}/get/file/${path}`,
    headers: {},
    expiresAt: '2099-01-01T00:00:00Z',
  },
})
const types = () => platform.events.map(({ type }) => type)
const last = () => platform.events.at(-1)

describe('a trainer on a platform', () => {
  it('reports a training from started to completed', async () => {
    const { code, output } = await onPlatform().ended
    expect(output).toBe('')
    expect(code).toBe(0)
    expect(types()).toEqual(['started', ...Array(3).fill(['progress', 'checkpoint']).flat(), 'validation', 'completed'])
    expect(platform.events[1]).toMatchObject({ epoch: 1, totalEpochs: 3, metrics: { loss: 1 } })
    expect(platform.events.find(({ type }) => type === 'validation')).toMatchObject({
      epoch: 3,
      split: 'val',
      primary: { name: 'top1_accuracy', value: 0.3, goal: 'maximize' },
    })
    expect(last()?.result).toEqual({
      operation: 'train',
      metrics: { top1_accuracy: 0.3 },
      bestEpoch: 3,
      // The same bytes were uploaded three times.
      checkpointIds: ['a1'],
    })
  })

  it.each([
    ['throw', 1, 'UnknownError', /Cannot divide/],
    ['config', 3, 'ConfigError', /Setting "width" is 3/],
    ['dataset', 3, 'DatasetError', /No DICE annotation|no classes/],
    ['nan', 1, 'ValidationError', /"loss" is NaN in epoch 2/],
    ['swallow-nan', 1, 'ValidationError', /"loss" is NaN in epoch 2/],
  ])('that ends with "%s" exits with %i and reports %s', async (mode, exitCode, errorType, message) => {
    const { code, output } = await onPlatform({ MODE: mode }).ended
    expect(code).toBe(exitCode)
    expect(last()).toMatchObject({ type: 'failed', errorType })
    expect(String(last()?.message)).toMatch(message)
    expect(output).toMatch(new RegExp(`\\[TRACE:a{32}\\] \\[ERROR\\] ${errorType}: `))
    expect(JSON.stringify(platform.events) + output).not.toMatch(/signature=|secret/)
  })

  it('reports a NaN loss as "NaN", and continues if that is allowed', async () => {
    const { code } = await onPlatform({ MODE: 'allow-nan' }).ended
    expect(code).toBe(0)
    expect(platform.events.find(({ epoch, type }) => type === 'progress' && epoch === 2)?.metrics).toEqual({
      loss: 'NaN',
    })
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('is cancelled by %s with exit code %i', async (signal, exitCode) => {
    const { child, ended } = onPlatform({ MODE: 'wait' })
    child.stdout?.once('data', () => child.kill(signal))
    expect(await ended).toMatchObject({ code: exitCode, signal: null })
    expect(types().at(-1)).toBe('cancelled')
  })

  it('is cancelled when the platform asks it to stop', async () => {
    platform.shouldContinue = false
    const { code } = await onPlatform({ MODE: 'wait' }).ended
    expect(code).toBe(143)
    expect(last()).toMatchObject({ type: 'cancelled', message: 'Stopped: cancelled' })
  })

  it('stops when a newer attempt has superseded it', async () => {
    platform.intercept = (_request, response) => {
      sendJson(response, 409, problem(409, 'attempt_superseded'))
      return true
    }
    expect((await onPlatform({ MODE: 'wait' }).ended).code).toBe(143)
  })

  it('that is restarted within its attempt reports "restarted" instead of a second "started"', async () => {
    const { child, ended } = onPlatform({ MODE: 'killed' })
    child.stdout?.once('data', () => child.kill('SIGKILL'))
    await ended
    const { code } = await onPlatform().ended
    expect(code).toBe(0)
    expect(types().filter((type) => type === 'started' || type === 'completed')).toEqual(['started', 'completed'])
    expect(platform.events.find(({ eventType }) => eventType === 'restarted')).toMatchObject({ level: 'warning' })
  })

  it('completes while its platform is down and exits with 2; the next process delivers its journal', async () => {
    const { url } = platform
    await platform.close()
    const gone = await onPlatform({ MODE: 'no-upload', CLOSE_TIMEOUT_MS: '200' }).ended
    expect(gone.code).toBe(2)
    platform = await startCallbackServer(Number(new URL(url).port))
    expect((await onPlatform({ MODE: 'no-upload' }).ended).code).toBe(0)
    expect(types()).toEqual(['started', 'progress', 'progress', 'progress', 'validation', 'completed'])
  })

  it('reports invalid settings to the platform', async () => {
    const { code, output } = await onPlatform({ EPOCHS: 'ten' }).ended
    expect(code).toBe(3)
    expect(output).toContain('EPOCHS is "ten"')
    expect(last()).toMatchObject({ type: 'failed', errorType: 'ConfigError', retryable: false })
  })

  it('predicts pictures as people send them, each once the one before was reported, until no more come', async () => {
    const asked: string[] = []
    const reported: number[] = []
    platform.files = ['one', 'two'].map((name) => ({ path: `${name}.png`, bytes: Buffer.from(name) }))
    platform.intercept = (request, response) => {
      const query = /\/inputs\/images\?(.*)/.exec(request.url ?? '')?.[1]
      if (query === undefined) return false
      asked.push(query)
      reported.push(types().filter((type) => type === 'prediction').length)
      const file = platform.files[asked.length - 1]
      sendJson(response, 200, {
        images: file === undefined ? [] : [pictureOf(file)],
        cursor: String(asked.length),
        done: file === undefined,
      })
      return true
    }
    const { code, output } = await onPlatform({ OPERATION: 'predict', MODE: 'batches' }).ended
    expect({ code, output }).toEqual({ code: 0, output: '' })
    expect(asked).toEqual(['after=0', 'after=1', 'after=2'])
    expect(reported).toEqual([0, 1, 2])
    expect(platform.events.filter(({ type }) => type === 'prediction')).toMatchObject([
      { imageName: 'one.png', predictions: [], error: 'one is no picture' },
      { imageName: 'two.png', predictions: [], error: 'two is no picture' },
    ])
    expect(last()).toMatchObject({ type: 'completed', result: { imageCount: 2 } })
  })

  it('predicts the test split of its dataset, and exports to the requested format', async () => {
    const { annotations, files } = createDice(8)
    platform.annotations = [annotations]
    platform.files = files.map((file, index) => (index < 3 ? { ...file, split: 'test' } : file))
    expect((await onPlatform({ OPERATION: 'predict' }).ended).code).toBe(0)
    expect(last()?.result).toEqual({
      operation: 'predict',
      imageCount: 3,
      totalInferenceTimeMs: 6,
      avgInferenceTimeMs: 2,
    })

    platform.events.length = 0
    platform.checkpoint = { path: 'best.bin', bytes: Buffer.from('weights') }
    const env = { OPERATION: 'export', EXPORT_FORMAT: 'tfjs', WORK_DIR: join(dir, 'work-2') }
    expect((await onPlatform(env).ended).code).toBe(0)
    expect(types()).toEqual(['started', 'artifact', 'export', 'completed'])
    expect(platform.artifacts.get('a1')?.bytes.toString()).toBe('weights')
  })
})

describe('a trainer without a platform', () => {
  it('trains from its arguments and writes journal and checkpoint to runs/1', async () => {
    const { annotations, files } = createDice(8)
    writeFiles(join(dir, 'data'), [annotations, ...files])
    const { code, output } = await start({ MODE: 'dataset' }, ['train', '--dataset', 'data', '--epochs', '2']).ended
    expect(output).toContain('epoch 2/2  loss 0.5')
    expect(code).toBe(0)
    expect(existsSync(join(dir, 'runs/1/best.ts'))).toBe(true)
    const lines = readFileSync(join(dir, 'runs/1/journal.jsonl'), 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(lines.map((_, index) => index + 1))
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'completed', result: { operation: 'train' } })
  })

  it('predicts with the model that was trained, unless another one is named', async () => {
    const { annotations, files } = createDice(8)
    writeFiles(join(dir, 'data'), [annotations, ...files, { path: '../pictures/a.png', bytes: createPng() }])
    await start({ MODE: 'dataset' }, ['train', '--dataset', 'data', '--epochs', '1', '--model', 'large']).ended
    const predict = ['predict', '--images', 'pictures', '--checkpoint', 'runs/1/best.ts']
    expect((await start({}, predict).ended).output).toContain('Run runs/2: predict large\n')
    expect((await start({}, [...predict, '--model', 'small']).ended).output).toContain('Run runs/3: predict small\n')
  })

  it('predicts a folder, exports a checkpoint, and prints its help', async () => {
    writeFiles(dir, [{ path: 'pictures/a.png', bytes: createPng() }])
    writeFileSync(join(dir, 'best.bin'), 'weights')
    expect((await start({}, ['predict', '--images', 'pictures', '--checkpoint', 'best.bin']).ended).code).toBe(0)
    expect(readFileSync(join(dir, 'runs/1/journal.jsonl'), 'utf8')).toContain('"imageName":"a.png"')
    const exported = start({}, ['export', '--checkpoint', 'best.bin', '--format', 'tfjs', '--out', 'out'])
    expect(await exported.ended).toMatchObject({ code: 0 })
    expect(readFileSync(join(dir, 'out/model.tfjs'), 'utf8')).toBe('weights')
    expect((await start({}, ['--help']).ended).output).toContain('train --dataset ./flowers --epochs 3')
  })

  it.each([
    [['train'], /--dataset is not set/],
    [['dance'], /The operation is "dance"; expected one of: train, predict, export/],
    [['train', '--epocs', '3'], /--epocs/],
    [['train', '--dataset', 'data', '--epochs', 'many'], /EPOCHS is "many"/],
  ])('reports what is wrong with %o, with exit code 3', async (args, message) => {
    const { code, output } = await start({}, args).ended
    expect(output).toMatch(message)
    expect(code).toBe(3)
    expect(existsSync(join(dir, 'runs'))).toBe(false)
  })
})
