import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AttemptRef, Launcher, LaunchRequest, Observation, OutputLine, TrainerLocation } from './launcher.ts'
import { isRunning } from './testing/is-running.ts'
import { launchRequest } from './testing/launch-request.ts'

export interface LauncherUnderTest {
  launcher: Launcher
  /** An empty folder, or an image with Node. */
  trainer: TrainerLocation
  close(): Promise<void>
}

/** Tests for every launcher. Trainers are small Node programs on the command line. */
export function launcherCases(name: string, create: () => Promise<LauncherUnderTest>): void {
  describe(`${name} launcher`, () => {
    let underTest: LauncherUnderTest
    let launcher: Launcher
    let nextJob = 1
    beforeEach(async () => {
      underTest = await create()
      launcher = underTest.launcher
    })
    afterEach(async () => {
      const removals: Promise<void>[] = []
      for await (const ref of launcher.list()) removals.push(launcher.remove(ref))
      await Promise.all(removals)
      await underTest.close()
    }, 300_000)

    const request = (program: string, over: Partial<LaunchRequest> = {}): LaunchRequest =>
      launchRequest({
        jobId: nextJob++,
        trainer: underTest.trainer,
        argv: ['node', '-e', program],
        ...over,
      })
    const start = async (program: string, over: Partial<LaunchRequest> = {}): Promise<AttemptRef> => {
      const launch = request(program, over)
      await launcher.launch(launch)
      return { jobId: launch.jobId, attempt: launch.attempt }
    }
    const ended = async (ref: AttemptRef): Promise<Extract<Observation, { state: 'exited' }>> => {
      for (let waits = 0; waits < 6000; waits++) {
        const seen = await launcher.observe(ref)
        if (seen.state === 'exited') return seen
        if (seen.state !== 'running' && seen.state !== 'pending') throw new Error(`unexpectedly ${seen.state}`)
        await sleep(10)
      }
      throw new Error('the trainer does not end')
    }
    const output = async (ref: AttemptRef): Promise<OutputLine[]> => {
      const lines: OutputLine[] = []
      let position = { stdout: 0, stderr: 0 }
      for (;;) {
        const next = await launcher.logs(ref, position, { final: true })
        lines.push(...next.lines)
        if (next.position.stdout === position.stdout && next.position.stderr === position.stderr) return lines
        position = next.position
      }
    }
    /** Waits for a line of output with this text. */
    const lineWith = async (ref: AttemptRef, text: string): Promise<string> => {
      for (let waits = 0; waits < 18_000; waits++) {
        const { lines } = await launcher.logs(ref, { stdout: 0, stderr: 0 })
        const line = lines.find((candidate) => candidate.text.includes(text))
        if (line !== undefined) return line.text
        await sleep(10)
      }
      throw new Error(`the trainer never printed "${text}"`)
    }

    it.each([0, 1, 2, 3, 42])('reports exit code %i', async (code) => {
      expect(await ended(await start(`process.exit(${code})`))).toMatchObject({ exitCode: code })
    })

    it('reports the signal that ended a trainer', async () => {
      const seen = await ended(await start(`process.kill(process.pid, 'SIGSEGV')`))
      expect(seen).toMatchObject({ exitCode: 139, signal: 'SIGSEGV' })
    })

    it('measures the CPU time and the memory of what runs, its children included', async (test) => {
      if (launcher.measure === undefined) test.skip('this launcher measures nothing')
      const burn =
        'const held = Buffer.alloc(64e6, 1); const end = Date.now() + 700; while (Date.now() < end) held[1]++'
      const child = `${burn}; setInterval(() => {}, 1000)`
      const program = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}]); ${burn}; console.log('burnt')`
      const ref = await start(program)
      await lineWith(ref, 'burnt')
      await expect
        .poll(() => launcher.measure?.(ref), { timeout: 60_000, interval: 100 })
        .toMatchObject({
          cpuSeconds: expect.toSatisfy((seconds: number) => seconds > 0.2 && seconds < 600),
          memoryBytes: expect.toSatisfy((bytes: number) => bytes > 100e6 && bytes < 4e9),
        })
      await launcher.remove(ref)
      expect(await launcher.measure?.(ref)).toBeUndefined()
    })

    it('reports a program that does not exist', async () => {
      const ref = await start('', { argv: ['no-such-program-at-all'] })
      expect(await ended(ref)).toMatchObject({ exitCode: 127 })
      expect((await output(ref)).map((line) => line.text).join()).toContain('no-such-program-at-all')
    })

    it('reports that a trainer ran out of memory, where memory is limited', async (test) => {
      if (!launcher.capabilities.memoryLimit) test.skip('this launcher does not limit memory')
      const program = 'const held = []; for (;;) held.push(Buffer.alloc(1e6, 1))'
      expect(await ended(await start(program, { resources: { memoryMb: 128 } }))).toMatchObject({
        reason: 'out_of_memory',
      })
    })

    it('gives a trainer time to stop, and reports its exit code', async () => {
      const ref = await start(
        `process.on('SIGTERM', () => setTimeout(() => process.exit(143), 100)); console.log('ready'); setInterval(() => {}, 1000)`,
      )
      await lineWith(ref, 'ready')
      await launcher.stop(ref, 10_000)
      expect(await launcher.observe(ref)).toMatchObject({ state: 'exited', exitCode: 143 })
    })

    it('kills a trainer that ignores SIGTERM after the grace period', async () => {
      const ref = await start(`process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)`)
      await lineWith(ref, 'ready')
      await launcher.stop(ref, 200)
      expect(await launcher.observe(ref)).toMatchObject({ state: 'exited', exitCode: 137, signal: 'SIGKILL' })
    })

    it('does not make trainers ignore signals', async () => {
      const program = `const { spawn } = require('child_process')
        spawn('/bin/sh', ['-c', 'kill -INT $$; echo survived'], { stdio: 'inherit' }).on('exit', (c, s) => console.log('child ended by', s))`
      const ref = await start(program)
      await ended(ref)
      const lines = (await output(ref)).map((line) => line.text)
      expect(lines).toEqual(['child ended by SIGINT'])
      // Shells, unlike Node, do not reset ignored signals to their defaults.
      const shell = await start('', { argv: ['/bin/sh', '-c', 'kill -INT $$; echo survived'] })
      expect(await ended(shell)).toMatchObject({ signal: 'SIGINT' })
    })

    it('kills what a trainer leaves behind', async () => {
      const marker = `orphan-${randomUUID()}`
      const child = `process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); setInterval(() => {}, 1000)`
      const program = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}, '${marker}'], { stdio: 'ignore' }).unref()
        process.on('SIGTERM', () => process.exit(0)); console.log('ready'); setInterval(() => {}, 1000)`
      const ref = await start(program)
      await lineWith(ref, 'ready')
      await expect.poll(() => isRunning(marker), { timeout: 10_000 }).toBe(true)
      await launcher.stop(ref, 10_000)
      expect(await ended(ref)).toMatchObject({ exitCode: 0 })
      await launcher.remove(ref)
      await expect.poll(() => isRunning(marker), { timeout: 10_000 }).toBe(false)
    })

    it('keeps the whole output, including a last line without a newline', async () => {
      const ref = await start(
        `for (let i = 0; i < 20000; i++) console.log('line ' + i + ' ' + 'x'.repeat(100)); process.stderr.write('the very last')`,
      )
      await ended(ref)
      const lines = await output(ref)
      const isFromStderr = ({ source, text }: OutputLine) =>
        launcher.capabilities.mergedOutput ? text === 'the very last' : source === 'stderr'
      const numbers = lines.filter((line) => !isFromStderr(line)).map((line) => Number(line.text.split(' ')[1]))
      expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, index) => index))
      expect(lines.filter(isFromStderr).map((line) => line.text)).toEqual(['the very last'])
    })

    it('launches an attempt once, although launch is called several times', async () => {
      const launch = request(`console.log('started'); setTimeout(() => {}, 300)`)
      await Promise.all([launcher.launch(launch), launcher.launch(launch)])
      await launcher.launch(launch)
      await ended(launch)
      await launcher.launch(launch)
      expect((await output(launch)).filter((line) => line.text === 'started')).toHaveLength(1)
      expect(await launcher.observe(launch)).toMatchObject({ state: 'exited', exitCode: 0 })
    })

    it('stops and removes what has ended or does not exist', async () => {
      const ref = await start('')
      await ended(ref)
      await launcher.stop(ref, 1000)
      await launcher.remove(ref)
      await launcher.remove(ref)
      await launcher.stop(ref, 1000)
      expect(await launcher.observe(ref)).toEqual({ state: 'absent' })
      expect(await launcher.observe({ jobId: 999_999, attempt: 7 })).toEqual({ state: 'absent' })
    })

    it('can observe an attempt while it is being removed', async () => {
      for (let round = 0; round < 10; round++) {
        const ref = await start('process.exit(0)')
        await ended(ref)
        const observations = Array.from({ length: 20 }, () => launcher.observe(ref))
        await launcher.remove(ref)
        for (const { state } of await Promise.all(observations)) expect(['exited', 'absent']).toContain(state)
      }
    })

    it('passes special characters in names and arguments unchanged', async () => {
      const odd = `it's "quoted" $HOME \`id\` \\ ; rm -rf * \n ünï – 木 --flag`
      const ref = await start('', {
        argv: ['node', '-e', 'console.log(JSON.stringify([process.argv[1], process.env.MODEL_NAME]))', odd],
        model: odd,
      })
      await ended(ref)
      const [line] = await output(ref)
      expect(JSON.parse(line?.text ?? '')).toEqual([odd, odd])
    })

    it('passes the contract’s environment and no variable of the runner’s', async () => {
      process.env.RUNNER_SECRET_OF_TEST = 'must not be visible'
      try {
        const ref = await start('console.log(JSON.stringify(Object.keys(process.env)))')
        await ended(ref)
        const [line] = await output(ref)
        const names: string[] = JSON.parse(line?.text ?? '[]')
        expect(names).toEqual(expect.arrayContaining(['JOB_ID', 'CALLBACK_URL', 'WORK_DIR', 'PATH']))
        expect(names.filter((name) => /^CALLBACK_TOKEN(_FILE)?$/.test(name))).toHaveLength(1)
        expect(names).not.toContain('RUNNER_SECRET_OF_TEST')
        expect(names).not.toContain('TEST_DATABASE_URL')
      } finally {
        delete process.env.RUNNER_SECRET_OF_TEST
      }
    })

    it('renews the token of a running trainer, which never reads a part of it', async () => {
      const program = `const { readFileSync } = require('fs'); let last
        const read = () => { try { return readFileSync(process.env.CALLBACK_TOKEN_FILE, 'utf8') } catch { return last } }
        setInterval(() => { const now = read(); if (now !== last) console.log('token ' + (last = now)) }, 1)`
      const token = (name: string) => `${name}-${'x'.repeat(3000)}-end`
      const ref = await start(program, { token: token('first') })
      await lineWith(ref, 'first')
      const names = ['first']
      const begun = performance.now()
      for (const name of ['second', 'third']) {
        await launcher.renewToken?.(ref, token(name))
        await lineWith(ref, name)
        names.push(name)
        // A cluster takes a minute for each, so one is enough there.
        if (performance.now() - begun > 20_000) break
      }
      await launcher.stop(ref, 0)
      const lines = (await output(ref)).map(({ text }) => text)
      expect(lines).toEqual(names.map((name) => `token ${token(name)}`))
      await launcher.remove(ref)
      await launcher.renewToken?.(ref, token('unused'))
    }, 300_000)

    it('runs a hundred attempts at once, each with its own exit code and output', async () => {
      const refs = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          start('', { argv: ['/bin/sh', '-c', `echo "I am ${index}"; exit ${index}`] }),
        ),
      )
      for (const [index, ref] of refs.entries()) {
        expect(await ended(ref)).toMatchObject({ exitCode: index })
        expect((await output(ref)).map((line) => line.text)).toEqual([`I am ${index}`])
      }
    }, 300_000)

    it('lists attempts until they are removed', async () => {
      const ref = await start('setInterval(() => {}, 1000)')
      const list = async () => {
        const refs: AttemptRef[] = []
        for await (const listed of launcher.list()) refs.push(listed)
        return refs
      }
      expect(await list()).toContainEqual(ref)
      await launcher.remove(ref)
      expect(await list()).not.toContainEqual(ref)
    })
  })
}
