import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createClient } from '@trainyard/client'
import { startTestRunner, type TestRunner } from '@trainyard/client/testing'
import { localServerFile } from '@trainyard/contract'
import { encode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loginFile } from '../server/login-file.ts'
import { type RunOptions, runCommand } from '../testing/run-command.ts'

/** Sends an artifact, log lines and a result without the SDK. With `epochs` 99 it trains until the job is cancelled. */
const trainer = `
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
const { CALLBACK_URL, CALLBACK_TOKEN, CALLBACK_TOKEN_FILE, JOB_ATTEMPT, CONFIG } = process.env
const token = (CALLBACK_TOKEN ?? (await import('node:fs')).readFileSync(CALLBACK_TOKEN_FILE, 'utf8')).trim()
const { epochs = 2 } = JSON.parse(CONFIG).basic
let seq = 0
async function post(path, body) {
  const answer = await fetch(CALLBACK_URL + path, {
    method: 'POST',
    headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return answer.json()
}
const send = (...events) => post('/events', {
  attempt: Number(JOB_ATTEMPT),
  events: events.map((event) => ({ seq: ++seq, time: new Date().toISOString(), ...event })),
})
await send({ type: 'started' }, { type: 'log', level: 'warning', message: 'mind the \\u001b[2Jgap' })
const bytes = Buffer.from('weights of attempt ' + JOB_ATTEMPT)
const artifact = await post('/artifacts', {
  kind: 'checkpoint', name: 'best.bin', sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'),
})
if (artifact.upload.type === 'single') {
  const { method, url, headers } = artifact.upload.request
  await fetch(url, { method, headers, body: bytes })
}
await post('/artifacts/' + artifact.id + '/complete', {})
for (let epoch = 1; epoch <= epochs; epoch++) {
  const answer = await send({ type: 'progress', epoch, totalEpochs: epochs, metrics: { loss: 1 / epoch } })
  if (!answer.shouldContinue) { await send({ type: 'cancelled' }); process.exit(143) }
  if (epochs === 99) { epoch--; await sleep(50) }
}
if (epochs === 3) { await send({ type: 'failed', errorType: 'UnknownError', message: 'three is too many', retryable: false }); process.exit(1) }
await send({ type: 'log', level: 'info', message: 'that was it' }, { type: 'completed', result: { operation: 'train', metrics: { loss: 1 / epochs } } })
`

let runner: TestRunner
let home: string
beforeAll(async () => {
  runner = await startTestRunner(trainer)
  home = await mkdtemp(join(tmpdir(), 'trainyard-cli-'))
  for (const [index, name] of ['train/cat/1.png', 'train/dog/2.png', 'val/cat/3.png'].entries()) {
    await mkdir(join(home, 'pets', name, '..'), { recursive: true })
    await writeFile(
      join(home, 'pets', name),
      encode({ width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(index) }),
    )
  }
})
afterAll(async () => {
  await runner[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

const run = (args: string[], { env, stdin }: RunOptions = {}) =>
  runCommand(args, {
    cwd: home,
    env: { HOME: home, TRAINYARD_RUNNER: runner.url, TRAINYARD_TOKEN: runner.token, ...env },
    stdin,
  })
const json = async (args: string[]) => JSON.parse((await run([...args, '--json'])).out)

test('a damaged image is left out and named, or refused with --strict', async () => {
  await cp(join(home, 'pets'), join(home, 'spoilt-pets'), { recursive: true })
  await writeFile(join(home, 'spoilt-pets/train/dog/2.png'), '<html>not found</html>')
  const refused = await run(['datasets', 'push', 'spoilt-pets', '--strict'])
  expect(refused.code).not.toBe(0)
  expect(refused.err).toContain('train/dog/2.png')
  const { code, out } = await run(['datasets', 'push', 'spoilt-pets'])
  expect(code).toBe(0)
  expect(out).toMatch(/2 images.*\n\nlost or changed[\s\S]*image-unreadable +1 +Image "train\/dog\/2\.png" is damaged/)
})

test('a dataset gets a version, which is listed, compared with the one before, and downloaded', async () => {
  await cp(join(home, 'pets'), join(home, 'more-pets'), { recursive: true })
  const { dataset } = await json(['datasets', 'push', 'more-pets'])
  await rename(join(home, 'more-pets/train/dog/2.png'), join(home, 'more-pets/val/cat/2.png'))
  await run(['datasets', 'push', 'more-pets', '--to', dataset.id, '--message', 'a dog that was a cat'])
  const { versions } = await json(['datasets', 'versions', dataset.id])
  expect(versions).toMatchObject([{ version: 2, message: 'a dog that was a cat' }, { version: 1 }])
  const { code, out } = await run(['datasets', 'diff', dataset.id])
  expect(code).toBe(1)
  expect(out).toMatch(/^version 1 -> version 2\n/)
  expect(out).toMatch(/images renamed\n {4}\S+2\.png -> \S+2\.png\n/)
  const same = await run(['datasets', 'diff', `${dataset.id}@2`, '--since', '2'])
  expect(same).toMatchObject({ code: 0, out: expect.stringContaining('no difference in 3 images') })
  const whole = await json(['datasets', 'diff', `${dataset.id}@2`, '--since', '1'])
  expect(whole.diff).toMatchObject({ from: 1, to: 2, images: { common: 3 }, counts: { renamed: 1 } })
  const { file } = await json(['datasets', 'download', `${dataset.id}@1`, 'first.tar'])
  expect((await stat(file)).size).toBeGreaterThan(512)
  expect((await run(['datasets', 'rm', dataset.id])).code).toBe(0)
})

describe('trainyard run', () => {
  test('uploads a folder, starts a job, follows it to its end and exits with its result', async () => {
    const { code, out, err } = await run([
      'run',
      'acme/tiny',
      '--dataset',
      'pets',
      '--name',
      'first',
      '--set',
      'epochs=2',
    ])
    expect(err).toContain('3 images')
    // Which epochs are printed depends on timing.
    expect(err).toMatch(/100 % {2}succeeded {2}loss 0\.5000/)
    expect(err).toContain('checkpoint best.bin')
    expect(err).toContain('warning: mind the [2Jgap')
    expect(err).not.toContain('\u001b')
    expect(out).toMatch(/job \d+ succeeded after/)
    expect(code).toBe(0)
  })

  test('warns of a deprecated version, and leaves standard output as it is', async () => {
    const deprecation = { message: 'Loses the last class\u001b[2J', replacement: 'acme/other' }
    await using other = await startTestRunner(trainer, { deprecation })
    const env = { TRAINYARD_RUNNER: other.url, TRAINYARD_TOKEN: other.token }
    const args = ['run', 'acme/tiny', '--dataset', 'pets', '--detach', '--json']
    const { out, err } = await run(args, { env })
    expect(err).toContain('warning: acme/tiny@1.2.0 is deprecated: Loses the last class[2J; use acme/other\n')
    expect(JSON.parse(out).job.trainer.deprecation).toEqual(deprecation)
    expect((await run(['run', 'acme/tiny', '--dataset', 'pets', '--detach'])).err).not.toContain('deprecated')
  })

  test('exits with 1 when the job fails, and prints the error', async () => {
    const { code, out } = await run(['run', 'acme/tiny', '--dataset', 'pets', '--set', 'epochs=3'])
    expect(code).toBe(1)
    expect(out).toContain('failed')
    expect(out).toContain('three is too many')
  })

  test('prints one document under --json, also for errors', async () => {
    const { job } = await json(['run', 'acme/tiny', '--dataset', 'pets'])
    expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed' })
    const refused = await run(['run', 'acme/tiny', '--dataset', 'ds_none', '--json'])
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.out)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('--dataset is "ds_none"') },
    })
    const unknown = await run(['run', 'acme/none', '--dataset', 'pets', '--json'])
    expect(unknown.code).toBe(3)
    expect(JSON.parse(unknown.out)).toMatchObject({ error: { code: 'not_found' } })
  })

  test('checks everything before it sends the first byte of a dataset', async () => {
    const properties = { epochs: { type: 'integer', minimum: 1 }, idle: { type: 'string' }, mode: { enum: ['a', 'b'] } }
    const schema = { type: 'object', properties, additionalProperties: false }
    await using other = await startTestRunner(trainer, { manifest: { config: { schema, presets: { fast: {} } } } })
    const env = { TRAINYARD_RUNNER: other.url, TRAINYARD_TOKEN: other.token }
    const refused = async (trainer: string, ...args: string[]) => {
      const { code, err } = await run(['run', trainer, '--dataset', 'pets', '--detach', ...args], { env })
      expect([2, 3]).toContain(code)
      expect(err).not.toContain('Uploading')
      return err
    }
    const cases: [string[], string][] = [
      [['--set', 'epoch=3'], '--set epoch is "3": it is not a setting of acme/tiny; did you mean "epochs"?'],
      [['--set', 'epochs=0'], '--set epochs is "0": it must be at least 1'],
      [['--set', 'epochs=many'], '--set epochs is "many": it must be a whole number'],
      [['--set', 'mode=c'], '--set mode is "c": it must be one of "a", "b"'],
      [['--preset', 'fsat'], '--preset is "fsat": it must be one of fast'],
      [['--model', 'huge'], '--model is "huge"'],
      [['--task', 'pose'], '--task is "pose"'],
      [['--queue', 'nightly'], '--queue is "nightly"'],
      [['--operation', 'export'], '--operation is "export"'],
      [['--checkpoint', 'art_none'], '--checkpoint is "art_none"'],
      [['--project', 'red/none'], 'red/none'],
    ]
    for (const [args, message] of cases) expect(await refused('acme/tiny', ...args)).toContain(message)
    expect(await refused('acme/tny')).toContain('Trainer "acme/tny" does not exist')
    expect(await refused('acme/tiny@^9')).toContain('no version satisfies "^9"')
    const client = createClient({ runnerUrl: other.url, token: other.token })
    expect((await client.datasets.list()).datasets).toEqual([])
    // The type of a value comes from the schema.
    const args = ['run', 'acme/tiny', '--dataset', 'pets', '--detach', '--set', 'idle=1', '--set', 'epochs=1', '--json']
    const { job } = JSON.parse((await run(args, { env })).out)
    expect(job.config.basic).toMatchObject({ epochs: 1, idle: '1' })
  })

  test('the same key returns the same job', async () => {
    const args = ['run', 'acme/tiny', '--dataset', 'pets', '--key', 'once', '--detach']
    expect((await json(args)).job.id).toBe((await json(args)).job.id)
  })

  test.each([
    [['run'], 'missing argument TRAINER'],
    [['run', 'acme/tiny', '--set', 'epochs'], '--set is "epochs": expected NAME=VALUE'],
    [['run', 'acme/tiny', '--priority', '1.5'], '--priority is "1.5": expected a whole number'],
    [['run', 'acme/tiny', '--split', '0.8/0.1'], '--split is "0.8/0.1": expected shares that add up to 1'],
    [['run', 'acme/tiny', '--stratify'], '--stratify requires --split'],
    [['run', 'acme/tiny', '--operation', 'fly'], '--operation is "fly": expected train, predict or export'],
    [['run', 'acme/tiny', '--nonsense'], 'unknown option "--nonsense"'],
    [['jobs'], 'missing command; expected one of ls, show'],
    [['jobs', 'fly'], 'unknown command "fly"'],
    [['jobs', 'show', 'seven'], 'JOB is "seven": expected the number of a job'],
    [['jobs', 'logs', '7', '--since', 'yesterday'], '--since is "yesterday": expected a time such as'],
    [['jobs', 'logs', '7', '--tail', '3', '--line', '4'], '--tail and --line exclude each other'],
    [['jobs', 'ls', '--state', 'happy'], '--state is "happy": expected pending'],
    [['datasets', 'push', 'nowhere'], 'nowhere does not exist: expected the folder of a dataset'],
    [['artifacts', 'pull'], 'missing argument JOB'],
    [['login'], 'missing argument URL'],
    [['login', 'nonsense'], 'URL is "nonsense": expected an http or https URL'],
    [['login', 'localhost:7600'], 'did you mean "http://localhost:7600"?'],
    [['login', 'http://127.0.0.1:7600/trainers/acme/yolo?tab=2'], 'without a path: use http://127.0.0.1:7600\n'],
    [['login', 'http://127.0.0.1:7600', '--registry', 'http://x/v2/'], '--registry is "http://x/v2/": '],
    [['jobs', 'ls', '--url', 'http://127.0.0.1:7600/v1'], '--url is "http://127.0.0.1:7600/v1": '],
    [['jobs', 'ls', '--url', 'http://ada:pass@127.0.0.1'], 'use http://127.0.0.1, and --token'],
    [['run', 'tiny'], 'TRAINER is "tiny": expected "namespace/name"'],
    [['run', 'acme/tiny', '--dataset', './nope'], '--dataset is "./nope": '],
    [['run', 'acme/tiny', '--dataset', './nope'], 'nope is not a folder or archive'],
    [['run', 'acme/tiny', '--project', 'red'], 'project: must be "organisation/project"'],
  ])('names the mistake in %j', async (args, message) => {
    const { code, err } = await run(args)
    expect(err).toContain(message)
    expect(err).toMatch(/For help: trainyard .*--help\n$/)
    expect(code).toBe(2)
  })

  test('a folder with a link is refused before anything is sent', async () => {
    await mkdir(join(home, 'linked'), { recursive: true })
    await symlink('/etc/hostname', join(home, 'linked', 'a.png')).catch(() => {})
    const { code, err } = await run(['datasets', 'push', 'linked'])
    expect(err).toContain('a.png (a symbolic link)')
    expect(code).toBe(3)
  })
})

describe('trainyard jobs and artifacts', () => {
  test('lists, shows and deletes a job, and prints its log', async () => {
    const { job } = await json(['run', 'acme/tiny', '--dataset', 'pets', '--name', 'shown'])
    expect((await run(['jobs', 'ls'])).out).toMatch(/^job\s+state\s+done.*\n.*shown/)
    expect((await run(['jobs', 'show', String(job.id)])).out).toContain('best.bin')
    const log = (await run(['jobs', 'logs', String(job.id), '--level', 'info', '--tail', '1'])).out
    expect(log.trim()).toMatch(/^\d\d:\d\d:\d\d that was it$/)
    const followed = (await run(['jobs', 'logs', String(job.id), '-f', '--json'])).out.trim().split('\n')
    expect(followed.map((line) => JSON.parse(line).message)).toContain('that was it')
    expect(await run(['jobs', 'rm', String(job.id)])).toMatchObject({ code: 0 })
    expect(await run(['jobs', 'show', String(job.id)])).toMatchObject({
      code: 3,
      err: expect.stringContaining(`Job "${job.id}" not found`),
    })
  })

  test('prints the end of a log, or from a line or a time on', async () => {
    const { job } = await json(['run', 'acme/tiny', '--dataset', 'pets'])
    const all = (await run(['jobs', 'logs', String(job.id), '--json'])).out.trim().split('\n')
    expect(all.length).toBeGreaterThanOrEqual(2)
    const messages = async (...args: string[]) =>
      (await run(['jobs', 'logs', String(job.id), '--json', ...args])).out.trim().split('\n')
    expect(await messages('--tail', '1')).toEqual(all.slice(-1))
    expect(await messages('--tail', '1000')).toEqual(all)
    expect(await messages('--tail', '0')).toEqual([''])
    expect(await messages('--line', '2')).toEqual(all.slice(1))
    expect(await messages('--line', '99', '--follow')).toEqual([''])
    expect(await messages('--since', '1h')).toEqual(all)
    expect(await messages('--until', '2020-01-01')).toEqual([''])
  })

  test('says that a list has more than it shows', async () => {
    await json(['run', 'acme/tiny', '--dataset', 'pets'])
    await json(['run', 'acme/tiny', '--dataset', 'pets'])
    expect((await run(['jobs', 'ls', '--limit', '1'])).err).toContain('More jobs exist; --limit shows more than 1')
    expect((await run(['jobs', 'ls', '--limit', '1000'])).err).toBe('')
    expect(await json(['jobs', 'ls', '--limit', '1'])).toMatchObject({ jobs: [{}], more: true })
  })

  test('downloads files, checks them, and skips complete ones', async () => {
    const { job } = await json(['run', 'acme/tiny', '--dataset', 'pets'])
    const first = await json(['artifacts', 'pull', String(job.id), '--to', 'got'])
    expect(first.files).toMatchObject([{ status: 'pulled' }])
    const file = join(home, 'got', 'best.bin')
    expect(await readFile(file, 'utf8')).toBe('weights of attempt 1')
    expect((await json(['artifacts', 'pull', String(job.id), '--to', 'got'])).files).toMatchObject([{ status: 'held' }])
    await writeFile(file, 'weights of attempt X')
    expect((await json(['artifacts', 'pull', String(job.id), '--to', 'got'])).files).toMatchObject([
      { status: 'pulled' },
    ])
    const none = await run(['artifacts', 'pull', String(job.id), '--name', 'worst.bin'])
    expect(none.err).toContain('its files: best.bin (checkpoint)')
  })

  test('Ctrl-C stops following the job; cancel stops the job', async () => {
    const { job } = await json(['run', 'acme/tiny', '--dataset', 'pets', '--set', 'epochs=99', '--detach'])
    const main = new URL('../main.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=trainyard-source', main, 'jobs', 'watch', String(job.id)], {
      env: { ...process.env, HOME: home, TRAINYARD_RUNNER: runner.url, TRAINYARD_TOKEN: runner.token },
    })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk
      if (output.includes('epoch 1/99') && !child.killed) child.kill('SIGINT')
    })
    const [code] = await once(child, 'close')
    expect(output).toContain(`Job ${job.id} continues`)
    expect(code).toBe(130)
    expect((await json(['jobs', 'show', String(job.id)])).job.state).toBe('running')
    expect(await run(['jobs', 'cancel', String(job.id)])).toMatchObject({ code: 0 })
    expect((await json(['jobs', 'watch', String(job.id)])).job).toMatchObject({ state: 'cancelled' })
    const again = await json(['jobs', 'restart', String(job.id)])
    expect(again.job).toMatchObject({ attempt: 2 })
    await run(['jobs', 'cancel', String(job.id)])
  })
})

describe('trainyard login', () => {
  // The token is found as that of a server which this user started.
  const anywhere = { TRAINYARD_RUNNER: '', TRAINYARD_TOKEN: '' }
  beforeAll(async () => {
    const ownerTokenFile = join(home, 'owner-token')
    await writeFile(ownerTokenFile, `${runner.token}\n`, { mode: 0o600 })
    const file = localServerFile({ HOME: home }, home, runner.url)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify({ url: runner.url, ownerTokenFile, pid: process.pid }))
  })

  test('is not needed to find the token of a running server of this user, and of no other', async () => {
    const env = { ...anywhere, TRAINYARD_RUNNER: runner.url }
    expect(await run(['jobs', 'ls'], { env })).toMatchObject({ code: 0 })
    expect((await run(['jobs', 'ls', '--url', runner.url.replace('127.0.0.1', 'localhost')], { env })).code).toBe(0)
    const link = (await run(['open'], { env })).out
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open\?code=ty_[0-9a-f]{56}\n$/)
    const code = new URL(link.trim()).searchParams.get('code') ?? ''
    const client = createClient({ runnerUrl: runner.url })
    expect((await client.identity.redeemSignInCode(code)).account.displayName).toBe('Local owner')
    await expect(client.identity.redeemSignInCode(code)).rejects.toThrow('"trainyard open"')

    const file = localServerFile({ HOME: home }, home, runner.url)
    const note = await readFile(file, 'utf8')
    // A process that has ended: someone else may listen on its port.
    await writeFile(file, JSON.stringify({ ...JSON.parse(note), pid: 2 ** 22 + 1 }))
    const refused = await run(['jobs', 'ls'], { env })
    expect(refused.code).toBe(3)
    expect(refused.err).toContain('owner-token')
    await writeFile(file, note)
  })

  test('saves an address that answers, for later commands, and removes it', async () => {
    expect(await run(['jobs', 'ls'], { env: anywhere })).toMatchObject({
      code: 2,
      err: expect.stringContaining('trainyard login'),
    })
    const { code, out } = await run(['login', runner.url], { env: anywhere })
    expect(out).toContain('Logged in')
    expect(code).toBe(0)
    const file = loginFile({ HOME: home })
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ url: runner.url, account: 'Local owner' })
    expect(await readFile(file, 'utf8')).not.toContain(runner.token)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await run(['datasets', 'ls'], { env: anywhere })).toMatchObject({ code: 0 })
    expect((await run(['logout'], { env: anywhere })).out).toBe('Logged out\n')
    expect(await run(['jobs', 'ls'], { env: anywhere })).toMatchObject({ code: 2 })
  })

  test('signs in with a password and does not show it', async () => {
    const account = { email: 'ada@example.com', password: 'correct horse battery', displayName: 'Ada' }
    const { identity } = createClient({ runnerUrl: runner.url, token: runner.token })
    const { secret } = await identity.inviteAccount({ email: account.email, displayName: account.displayName })
    await identity.redeemPasswordReset({ secret, newPassword: account.password })
    const args = ['login', runner.url, '--email', account.email]
    const { code, out, err } = await run(args, { stdin: `${account.password}\n`, env: anywhere })
    expect(out + err).toContain('Logged in')
    expect(out).toContain('as ada@example.com')
    expect(code).toBe(0)
    expect(out + err + (await readFile(loginFile({ HOME: home }), 'utf8'))).not.toContain(account.password)
    await run(['logout'])
    const wrong = await run(args, { stdin: 'wrong\n', env: anywhere })
    expect(wrong.code).toBe(3)
    await expect(stat(loginFile({ HOME: home }))).rejects.toThrow()
  })

  test('saves nothing when the server refuses the token, and does not show it', async () => {
    const { code, out, err } = await run(['login', runner.url, '--token-stdin'], {
      stdin: ' ty_secret\n',
      env: anywhere,
    })
    expect(code).toBe(3)
    expect(out + err).not.toContain('ty_secret')
    await expect(stat(loginFile({ HOME: home }))).rejects.toThrow()
  })

  test('saves nothing when the server does not answer', async () => {
    const { code, err } = await run(['login', 'http://127.0.0.1:2'], { env: anywhere })
    expect(err).toContain('No answer from http://127.0.0.1:2')
    expect(code).toBe(3)
    await expect(stat(loginFile({ HOME: home }))).rejects.toThrow()
  })

  test('tells what to do when the home folder is read-only', async () => {
    const file = join(home, 'not-a-folder')
    await writeFile(file, '')
    const { code, err } = await run(['login', runner.url], { env: { TRAINYARD_RUNNER: '', XDG_CONFIG_HOME: file } })
    expect(err).toContain('cannot be written (ENOTDIR): set XDG_CONFIG_HOME to a writable folder')
    expect(err).toContain('or set TRAINYARD_RUNNER and TRAINYARD_TOKEN')
    expect(code).toBe(3)
  })
})
