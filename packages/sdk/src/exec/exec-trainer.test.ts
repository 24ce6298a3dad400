import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type CallbackServer,
  createDice,
  createEnvironment,
  createPng,
  startCallbackServer,
  writeFiles,
} from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ExecUsageError, parseExecArguments } from './arguments.ts'

let platform: CallbackServer
let dir: string
beforeEach(async () => {
  platform = await startCallbackServer()
  const { annotations, files } = createDice(8)
  platform.annotations = [annotations]
  platform.files = files
  dir = mkdtempSync(join(tmpdir(), 'trainyard-exec-'))
  const entrypoints = { train: ['trainyard'], predict: ['trainyard'] }
  writeFileSync(join(dir, 'trainer.json'), JSON.stringify({ ...manifest, entrypoints }))
})
afterEach(async () => {
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

const manifest = {
  name: 'acme/test',
  version: '1.0.0',
  displayName: 'Test',
  description: 'Test',
  license: 'MIT',
  authors: ['Someone'],
  contract: '1',
  framework: 'test',
  models: [{ name: 'small', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['dice'],
}

/** The start of every test program: reads the job, and defines `say`, which writes an event. */
const PRELUDE = `
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
const job = JSON.parse(readFileSync(process.env.TRAINYARD_JOB_FILE, 'utf8'))
const line = (text) => writeSync(Number(process.env.TRAINYARD_EVENTS_FD), text + '\\n')
const say = (type, fields) => line(JSON.stringify({ type, ...fields }))
const events = process.env.TRAINYARD_EVENTS
`

function start(program: string, options: { env?: Record<string, string>; args?: string[] } = {}) {
  writeFileSync(join(dir, 'program.mjs'), PRELUDE + program)
  return startCommand([...(options.args ?? []), '--', process.execPath, 'program.mjs'], options.env)
}

function startCommand(args: string[], env: Record<string, string> = createEnvironment(platform.url, dir)) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, ['--conditions=trainyard-source', main, 'exec', ...args], {
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
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, output }))
  })
  return { child, ended }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

const ofType = (type: string) => platform.events.filter((event) => event.type === type)
const messages = () => ofType('log').map(({ message }) => String(message))
const last = () => platform.events.at(-1)

describe('trainyard exec on a platform', () => {
  it('reports the events of the program and uploads the files that it names', async () => {
    const { code, output } = await start(`
      writeFileSync(job.workDir + '/model.json', 'first')
      say('progress', { epoch: 1, metrics: { loss: 0.5 } })
      say('checkpoint', { name: 'best', file: job.workDir + '/model.json' })
      say('validation', { metrics: { top1_accuracy: 0.9 } })
      say('artifact', { kind: 'plot', file: 'trainer.json', name: 'plots/loss.json' })
      say('completed', { metrics: { top1_accuracy: 0.9 } })
      console.log('hello from the program')
    `).ended
    expect({ code, types: platform.events.map(({ type }) => type).filter((type) => type !== 'log') }, output).toEqual({
      code: 0,
      types: ['started', 'progress', 'progress', 'progress', 'validation', 'checkpoint', 'artifact', 'completed'],
    })
    expect(ofType('progress')[2]).toMatchObject({ epoch: 1, totalEpochs: 3, metrics: { loss: 0.5 } })
    expect(ofType('checkpoint')[0]).toMatchObject({ name: 'best', epoch: 1 })
    expect([...platform.artifacts.values()].map(({ name }) => name)).toEqual(['best.json', 'plots/loss.json'])
    expect(messages()).toContain('hello from the program')
    expect(last()).toMatchObject({ result: { metrics: { top1_accuracy: 0.9 }, bestEpoch: 1 } })
  })

  it('passes job and dataset to the program, but not the token', async () => {
    const { code } = await start(`
      import { readdirSync } from 'node:fs'
      const { operation, model, config, dataset, checkpoint } = job
      const classes = readdirSync(job.dataset.dir + '/train').sort()
      const { CALLBACK_TOKEN = 'none', CALLBACK_URL = 'none', OPERATION } = process.env
      say('log', { message: 'seen', data: {
        operation, model, epochs: config.basic.epochs, format: dataset.format, names: dataset.classes.map(({ name }) => name),
        checkpoint, classes, CALLBACK_TOKEN, CALLBACK_URL, OPERATION } })
    `).ended
    expect(code).toBe(0)
    expect(ofType('log').find(({ message }) => message === 'seen')?.data).toEqual({
      operation: 'train',
      model: 'small',
      epochs: 3,
      format: 'imagefolder',
      names: ['cat', 'dog'],
      checkpoint: null,
      classes: ['cat', 'dog'],
      CALLBACK_TOKEN: 'none',
      CALLBACK_URL: 'none',
      OPERATION: 'train',
    })
  })

  it('reports each invalid line and its reason, and continues', async () => {
    const { code } = await start(`
      line('oops')
      line('{"type":"progres","epoch":1}')
      say('progress', [1])
      say('log', { message: 'valid' })
      say('progress', { epoch: 1, total_epochs: 3, epochs: 3 })
      line('{"type":"progress","epoch":2,"metrics":{"top1_accuracy":NaN,"lr":-Infinity}}')
    `).ended
    expect(code).toBe(0)
    expect(messages().filter((text) => text.startsWith('Line'))).toEqual([
      expect.stringMatching(/^Line 1 of the events was ignored: it is not JSON .*It starts with "oops"$/),
      expect.stringContaining('Line 2 of the events was ignored: its type is "progres"; expected one of: progress, '),
      'Line 3 of the events has the unknown field "progress.0"',
      'Line 5 of the events has the unknown field "progress.epochs"',
    ])
    expect(ofType('progress').at(-1)).toMatchObject({ epoch: 2, metrics: { top1_accuracy: 'NaN', lr: '-Infinity' } })
    expect(last()?.type).toBe('completed')
  })

  it('keeps an event whose fields are partly invalid, and reports each field once', async () => {
    const { code } = await start(`
      for (let epoch = 1; epoch <= 3; epoch++) say('progress', { epoch, metrics: { loss: null, ok: 1 } })
      say('progress', { epoch: 'four', step: '7', metrics: { lr: '0.5', grad: 'np.float32(0.25)', up: 'inf' } })
      say('validation', { split: 'valid', metrics: { top1_accuracy: 'tensor(0.75)' }, primary: 'top1_accuracy' })
      say('validation', { metrics: { val_loss: 2 }, primary: { name: 'val_loss' } })
      say('log', { level: 'WARNING', message: 'a' })
      say('log', { level: 'warn', message: 'b' })
      say('log', { level: 'loud', message: 'c' })
    `).ended
    expect(code).toBe(0)
    const [, ...progress] = ofType('progress').filter(({ epoch, step }) => epoch !== undefined || step !== undefined)
    expect(progress).toMatchObject([
      { epoch: 2, metrics: { ok: 1 } },
      { epoch: 3, metrics: { ok: 1 } },
      { step: 7, metrics: { lr: 0.5, grad: 0.25, up: 'Infinity' } },
    ])
    expect(ofType('validation')).toMatchObject([
      { split: 'val', primary: { name: 'top1_accuracy', value: 0.75, goal: 'maximize' } },
      { primary: { name: 'val_loss', value: 2, goal: 'minimize' } },
    ])
    expect(messages().filter((text) => text.includes('It was left out'))).toEqual([
      expect.stringContaining('Line 1 of the events, a "progress": the field "metrics.loss" is null'),
      expect.stringContaining('Line 4 of the events, a "progress": the field "epoch" is "four"'),
      expect.stringContaining('a "log": the field "level" is "loud"; it must be one of "debug"'),
    ])
    const levels = ofType('log').filter(({ message }) => /^[abc]$/.test(String(message)))
    expect(levels.map(({ level }) => level)).toEqual(['warning', 'warning', 'info'])
  })

  it('reads the events of several processes by their path, without mixing their lines', async () => {
    const { code, output } = await start(`
      import { spawn } from 'node:child_process'
      import { openSync } from 'node:fs'
      const worker = \`
        const { openSync, writeSync } = require('node:fs')
        const fd = openSync(process.env.TRAINYARD_EVENTS, 'a')
        const note = 'x'.repeat(3000)
        for (let i = 0; i < 100; i++) writeSync(fd, JSON.stringify({ type: 'log', message: process.argv[1] + ' ' + i, data: { note } }) + '\\\\n')
      \`
      // No descriptor but the usual three is inherited, as with Python's default.
      const children = ['p', 'q', 'r'].map((name) => spawn(process.execPath, ['-e', worker, name], { stdio: ['ignore', 'inherit', 'inherit'] }))
      await Promise.all(children.map((child) => new Promise((done) => child.on('close', done))))
      writeSync(openSync(events, 'w'), '{"type":"progress","epoch":1}\\n{"type":"progress","epo')
    `).ended
    expect(code, output).toBe(0)
    const said = messages().filter((text) => /^[pqr] \d+$/.test(text))
    expect(new Set(said).size).toBe(300)
    for (const name of ['p', 'q', 'r']) {
      const numbers = said.filter((text) => text.startsWith(name)).map((text) => Number(text.slice(2)))
      expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index))
    }
    expect(ofType('progress').at(-1)).toMatchObject({ epoch: 1 })
    expect(messages().filter((text) => text.includes('was ignored'))).toEqual([
      expect.stringContaining('it is not JSON'),
    ])
  })

  it('uploads files by names relative to the working folder, and folders as archives', async () => {
    const { code } = await start(`
      import { mkdirSync } from 'node:fs'
      mkdirSync('weights/parts', { recursive: true })
      writeFileSync('weights/model.bin', 'one')
      writeFileSync('weights/parts/a.bin', 'two')
      say('checkpoint', { name: 'last', file: 'weights/model.bin' })
      say('checkpoint', { name: 'best', file: 'weights' })
    `).ended
    expect(code).toBe(0)
    expect([...platform.artifacts.values()].map(({ name }) => name)).toEqual(['last.bin', 'best.tar'])
  })

  it('logs progress bars and colours as clean lines', async () => {
    await start(`
      process.stderr.write('  0%|  | 0/2\\r 50%|█ | 1/2\\r100%|██| 2/2\\n')
      process.stdout.write('\\u001b[32mEpoch 1\\u001b[0m done\\n')
      for (let i = 0; i < 3000; i++) process.stdout.write('\\r' + i + ' of 3000 images')
      process.stdout.write('\\n')
    `).ended
    expect(messages()).toEqual(expect.arrayContaining(['100%|██| 2/2', 'Epoch 1 done', '2999 of 3000 images']))
  })

  it('acknowledges each file, which the program can then overwrite or delete', async () => {
    const { code } = await start(`
      import { rmSync } from 'node:fs'
      const file = job.workDir + '/model.bin'
      const acks = () => readFileSync(process.env.TRAINYARD_ACKS_FILE, 'utf8').trim().split('\\n').filter(Boolean).map((text) => JSON.parse(text))
      const until = async (state, id) => {
        while (!acks().some((ack) => ack.state === state && ack.id === id)) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      writeFileSync(file, 'first weights')
      say('checkpoint', { name: 'best', file, id: 'epoch 1' })
      await until('copied', 'epoch 1')
      writeFileSync(file, 'second')
      say('artifact', { kind: 'plot', file, id: 2 })
      await until('copied', 2)
      rmSync(file)
      await until('uploaded', 2)
      say('log', { message: 'acks', data: { acks: acks() } })
    `).ended
    expect(code).toBe(0)
    expect([...platform.artifacts.values()].map(({ bytes }) => bytes.toString())).toEqual(['first weights', 'second'])
    const acks = ofType('log').find(({ message }) => message === 'acks')?.data as { acks: object[] }
    const file = join(dir, 'work/model.bin')
    expect(acks.acks).toEqual(
      expect.arrayContaining([
        { id: 'epoch 1', line: 1, type: 'checkpoint', file, state: 'copied' },
        { id: 'epoch 1', line: 1, type: 'checkpoint', file, state: 'uploaded', artifactId: 'a1' },
        { id: 2, line: 2, type: 'artifact', file, state: 'uploaded', artifactId: 'a2' },
      ]),
    )
  })

  it.each([
    [
      'does not exist',
      `say('checkpoint', { name: 'best', file: 'gone.bin' })`,
      /"gone\.bin|gone\.bin" cannot be uploaded: ENOENT/,
    ],
    [
      'is empty',
      `writeFileSync('empty.bin', ''); say('checkpoint', { name: 'best', file: 'empty.bin' })`,
      /"empty\.bin" is empty/,
    ],
    ['is a device', `say('artifact', { file: '/dev/null' })`, /it is neither a file nor a folder/],
    [
      'has a name that leaves the folder',
      `say('artifact', { file: 'trainer.json', name: '../evil' })`,
      /name is "\.\.\/evil"/,
    ],
    [
      'is missing in its line',
      `say('checkpoint', { name: 'best', path: 'trainer.json' })`,
      /Line 1 of the events, a "checkpoint", is invalid: file/,
    ],
    [
      'is in a torn line',
      `line('{"type":"checkpoint","name":"best","fi')`,
      /Line 1 of the events, a "checkpoint", is invalid/,
    ],
  ])('fails a job whose file %s, with an error event', async (_what, program, message) => {
    const { code } = await start(program).ended
    expect(code).toBe(1)
    expect(last()).toMatchObject({ type: 'failed', message: expect.stringMatching(message) })
    expect(
      ofType('log')
        .filter(({ level }) => level === 'error' || level === 'warning')
        .map(({ message: text }) => text),
    ).toContainEqual(expect.stringMatching(/cannot be uploaded|is empty|name is|was ignored/))
    expect(ofType('checkpoint')).toEqual([])
  })

  it('completes when a later checkpoint of the same name has replaced the one that failed', async () => {
    const { code } = await start(`
      say('checkpoint', { name: 'last', file: 'gone.bin' })
      say('checkpoint', { name: 'last', file: 'trainer.json' })
    `).ended
    expect(code).toBe(0)
    expect(ofType('checkpoint')).toHaveLength(1)
    expect(last()?.type).toBe('completed')
  })

  it.each([
    ['deletes', `rmSync(file)`],
    ['truncates', `writeFileSync(file, '')`],
    ['rewrites', `writeFileSync(file, 'x'.repeat(3_000_000))`],
  ])('never succeeds with other bytes when the program %s a file without waiting', async (_what, after) => {
    const { code } = await start(`
      import { rmSync } from 'node:fs'
      const file = job.workDir + '/model.bin'
      writeFileSync(file, 'w'.repeat(3_000_000))
      say('checkpoint', { name: 'best', file })
      ${after}
    `).ended
    const [artifact] = platform.artifacts.values()
    const isWhole = artifact?.bytes.toString() === 'w'.repeat(3_000_000)
    const isOther = artifact?.bytes.toString() === 'x'.repeat(3_000_000)
    // A complete rewrite cannot be told from the file that was meant.
    expect(code === 0 ? isWhole || isOther : last()?.type === 'failed').toBe(true)
  })

  it('refuses a trainer or a bridge that the program starts', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url))
    const { code } = await start(`
      import { spawnSync } from 'node:child_process'
      const { status, stdout } = spawnSync(process.execPath, ['--conditions=trainyard-source', '${main}', 'exec', '--', 'true'])
      say('log', { message: status + ' ' + stdout })
    `).ended
    expect(code).toBe(0)
    expect(messages()).toContainEqual(
      expect.stringMatching(/^3 ERROR: This process does not run the job: .*under `trainyard exec`/),
    )
    expect(existsSync(join(dir, 'runs'))).toBe(false)
  })

  it('reports an uncaught error with the last lines of standard error', async () => {
    const { code } = await start(`console.error('Traceback'); console.error('ValueError: bad shape'); process.exit(1)`)
      .ended
    expect(code).toBe(1)
    expect(last()).toMatchObject({
      type: 'failed',
      errorType: 'UnknownError',
      message: 'ValueError: bad shape',
      traceback: 'Traceback\nValueError: bad shape',
      retryable: true,
    })
  })

  it('reports a failure without a valid type, and memory of the GPU that ran out', async () => {
    await start(`say('failed', { errorType: 'Oops', message: 'CUDA out of memory. Tried to allocate 2 GiB' })`).ended
    expect(last()).toMatchObject({
      type: 'failed',
      errorType: 'ResourceError',
      message: expect.stringMatching(/^CUDA out of memory. Tried to allocate 2 GiB\. The memory of the GPU ran out/),
    })
    expect(messages()).toContainEqual(expect.stringContaining('the field "errorType" is "Oops"'))
  })

  it('prefers a failed event over the exit code', async () => {
    const { code } = await start(`say('failed', { errorType: 'DatasetError', message: 'Image 3 is corrupt' })`).ended
    expect(code).toBe(3)
    expect(last()).toMatchObject({ type: 'failed', errorType: 'DatasetError', message: 'Image 3 is corrupt' })
  })

  it('stops the program when its loss is NaN', async () => {
    const run = start(`say('progress', { epoch: 1, metrics: { loss: 'NaN' } }); setInterval(() => {}, 1000)`)
    expect((await run.ended).code).toBe(1)
    expect(last()).toMatchObject({ type: 'failed', errorType: 'ValidationError' })
  })

  it('sends SIGTERM on a cancel, and uploads a checkpoint that is saved then', async () => {
    const run = start(`
      process.on('SIGTERM', () => {
        writeFileSync(job.workDir + '/last.bin', 'weights')
        say('checkpoint', { name: 'last', file: job.workDir + '/last.bin' })
        process.exit(0)
      })
      console.log('ready')
      setInterval(() => {}, 1000)
    `)
    await until(() => messages().includes('ready'))
    run.child.kill('SIGTERM')
    expect((await run.ended).code).toBe(143)
    expect([...platform.artifacts.values()].map(({ name }) => name)).toEqual(['last.bin'])
    expect(last()?.type).toBe('cancelled')
  })

  it('kills a program that ignores SIGTERM', async () => {
    const run = start(
      `process.on('SIGTERM', () => console.log('no')); console.log('pid ' + process.pid); setInterval(() => {}, 1000)`,
      { args: ['--grace', '0.2'] },
    )
    await until(() => messages().some((text) => text.startsWith('pid')))
    run.child.kill('SIGTERM')
    expect((await run.ended).code).toBe(143)
    const pid = Number(
      messages()
        .find((text) => text.startsWith('pid'))
        ?.slice(4),
    )
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(last()?.type).toBe('cancelled')
  })

  it('reports that a program is not installed, as an error that is not retried', async () => {
    const { code } = await startCommand(['--', 'no-such-program-here']).ended
    expect(code).toBe(3)
    expect(last()).toMatchObject({
      type: 'failed',
      errorType: 'ConfigError',
      message: '"no-such-program-here" cannot be started: it is not installed or not in PATH',
    })
  })

  it('refuses an operation for which trainer.json has no entry point', async () => {
    const { code } = await start('', {
      env: { ...createEnvironment(platform.url, dir), OPERATION: 'export', EXPORT_FORMAT: 'onnx' },
    }).ended
    expect(code).toBe(3)
    expect(last()).toMatchObject({ message: 'OPERATION is "export"; this trainer supports: train, predict' })
  })
})

describe('trainyard exec without a platform', () => {
  it('trains and predicts from folders', async () => {
    const { annotations, files } = createDice(8)
    writeFiles(join(dir, 'data'), [annotations, ...files])
    mkdirSync(join(dir, 'pictures'))
    writeFileSync(join(dir, 'pictures', 'a.png'), createPng())
    const program = `
      if (job.operation === 'train') {
        writeFileSync(job.workDir + '/model.json', '{}')
        say('progress', { epoch: 1, metrics: { loss: 0.25 } })
        say('checkpoint', { name: 'best', file: job.workDir + '/model.json' })
      } else {
        const [image] = readFileSync(job.imagesFile, 'utf8').trim().split('\\n').map((text) => JSON.parse(text))
        readFileSync(job.checkpoint.path)
        say('prediction', { imageName: image.name, predictions: [{ classId: 0, className: 'cat', confidence: 1 }] })
      }
    `
    const trained = await start(program, { env: {}, args: ['train', '--dataset', 'data', '--epochs', '1'] }).ended
    expect(trained).toMatchObject({ code: 0, output: expect.stringContaining('epoch 1/1  loss 0.25') })
    expect(existsSync(join(dir, 'runs/1/best.json'))).toBe(true)
    const args = ['predict', '--images', 'pictures', '--checkpoint', 'runs/1/best.json']
    expect((await start(program, { env: {}, args }).ended).code).toBe(0)
    const journal = readFileSync(join(dir, 'runs/2/journal.jsonl'), 'utf8')
    expect(journal).toContain('"imageName":"a.png"')
    expect(journal).toContain('"imageCount":1')
  })
})

describe('the command line of trainyard exec', () => {
  it.each([
    [['python3', 'train.py'], 'missing program after "--"'],
    [['--grace', 'soon', '--', 'true'], '--grace is "soon"; expected a number of seconds'],
    [['--as', 'yolo9', '--', 'true'], '--as is "yolo9"; expected one of dice, coco, yolo, voc, labelme, imagefolder'],
    [['--pixels', 'cmyk', '--', 'true'], '--pixels is "cmyk"; expected gray or rgb'],
  ])('refuses %j', (args, message) => {
    expect(() => parseExecArguments(args)).toThrow(ExecUsageError)
    expect(() => parseExecArguments(args)).toThrow(message)
  })
})
