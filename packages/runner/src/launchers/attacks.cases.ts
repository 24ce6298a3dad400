import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Victims } from '../testing/victims.ts'
import { makeVictims } from '../testing/victims.ts'
import type { LauncherUnderTest } from './conformance.cases.ts'
import type { AttemptRef, LaunchRequest, Observation } from './launcher.ts'
import { isRunning } from './testing/is-running.ts'
import { launchRequest } from './testing/launch-request.ts'

/** What a launcher under attack limits. */
export interface AttackLimits {
  shmMb: number
  processes: number
}

export interface AttackCases {
  name: string
  /** Gets the folders of the platform: the launcher's data is inside `dataDir`. */
  create(victims: Victims): Promise<LauncherUnderTest>
  /** Attacks that succeed there. Documented, and tested too, so that this list stays true. */
  succeeding?: readonly string[] | undefined
  /** Attacks that cannot be judged there, with the reason. */
  skipped?: Readonly<Record<string, string>> | undefined
}

/** The size of the limits that launchers under attack should have. */
export const ATTACK_LIMITS: AttackLimits = { shmMb: 16, processes: 150 }
const DISK_GB = 0.05

/**
 * Attacks of one program. Each is an expression that is true if the attack succeeded. `v` are the victims, and `sh` runs a
 * shell script and says whether it ended with code 0.
 */
const ATTACKS: Readonly<Record<string, string>> = {
  'reads the password of the database': `read(v.passwordFile).includes('secret')`,
  'reads the signing key': `read(v.keyFile).includes('secret')`,
  'reads the environment of the platform through /proc': `fs.readdirSync('/proc').some((pid) => {
    try { return fs.readFileSync('/proc/' + pid + '/environ', 'latin1').includes(v.environmentSecret) } catch { return false } })`,
  'inherits the environment of the platform': `JSON.stringify(process.env).includes(v.environmentSecret)`,
  'lists the data folder': `fs.readdirSync(v.dataDir).includes('database-password')`,
  'writes into the data folder': `write(v.dataDir + '/planted')`,
  'changes the bundle of another trainer': `write(v.otherBundle)`,
  'changes its own bundle': `v.ownBundle !== undefined && write(v.ownBundle)`,
  'changes a cached dataset': `write(v.cacheFile) || write((process.env.DATASET_CACHE_DIR ?? '/x') + '/planted')`,
  'reads a secret through a symbolic link': `(fs.symlinkSync(v.keyFile, work + '/link'), read(work + '/link').includes('secret'))`,
  'reads a secret through a hard link': `(fs.linkSync(v.keyFile, work + '/hard'), read(work + '/hard').includes('secret'))`,
  'puts a device into its work folder': `sh('mknod "$WORK_DIR/disk" b 254 0')`,
  'reaches the port of the database': `await dial({ host: '127.0.0.1', port: v.port })`,
  'reaches the socket of the database': `await dial({ path: v.socket })`,
  'reaches an abstract socket of another service': `v.abstractSocket !== undefined && await dial({ path: v.abstractSocket })`,
  'reaches the metadata address of the cloud': `v.hasMetadata && await dial({ host: '169.254.169.254', port: 80 })`,
  'reaches the network of the machine': `v.machineAddress !== undefined && await dial({ host: v.machineAddress, port: v.machinePort })`,
  'sees the processes of the platform': `fs.readdirSync('/proc').some((pid) => {
    try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1').split('\\0').includes(v.processMarker) } catch { return false } })`,
  'kills a process of the platform': `(process.kill(v.pid, 0), true)`,
  'reads /root, /home, /opt, /mnt or /srv': `v.canaries.some((file) => { try { return read(file) === 'canary' } catch { return false } })`,
  'becomes root': `(process.getuid() === 0 && sh('test -w /etc/passwd')) || (process.getuid() !== 0 && (process.setuid(0), process.getuid() === 0))`,
  'gains privileges through setuid programs': `!/NoNewPrivs:\\s+1/.test(read('/proc/self/status'))`,
  'has a capability': `!/CapEff:\\s+0+$/m.test(read('/proc/self/status'))`,
  'creates a user namespace': `sh('unshare -U true')`,
  'mounts a file system': `sh('mount -t tmpfs none /tmp') || sh('unshare -Urm mount -t tmpfs none /tmp')`,
  'uses the kernel’s key rings': `perl('exit(syscall(' + numbers.keyctl + ',0,-3,1)>=0?0:1)')`,
  'uses io_uring': `perl('my $p="\\\\0"x120;exit(syscall(425,4,$p)>=0?0:1)')`,
  'uses userfaultfd': `perl('exit(syscall(' + numbers.userfaultfd + ',1)>=0?0:1)')`,
  'traces a process': `perl('my $c=fork();if(!$c){sleep 5;exit 0}select(undef,undef,undef,0.1);my $r=syscall(' + numbers.ptrace + ',16,$c,0,0);kill 9,$c;exit($r>=0?0:1)')`,
  'changes settings of the kernel': `write('/proc/sys/kernel/core_pattern', fs.readFileSync('/proc/sys/kernel/core_pattern'))`,
  'raises its limit of open files': `sh('h=$(ulimit -Hn); [ "$h" != unlimited ] && ulimit -n $((h + 1))')`,
}

const PROGRAM = (victims: Victims) => `
const fs = require('fs'), { execFileSync, spawnSync } = require('child_process'), net = require('net')
const v = ${JSON.stringify(victims)}, work = process.env.WORK_DIR
const numbers = process.arch === 'x64' ? { keyctl: 250, userfaultfd: 323, ptrace: 101 } : { keyctl: 219, userfaultfd: 282, ptrace: 117 }
const read = (file) => fs.readFileSync(file, 'utf8')
const write = (file, data) => { fs.writeFileSync(file, data ?? 'planted'); return true }
const sh = (script) => spawnSync('/bin/sh', ['-c', script], { stdio: 'ignore', timeout: 10000 }).status === 0
const perl = (script) => spawnSync('perl', ['-e', script], { stdio: 'ignore', timeout: 10000 }).status === 0
const dial = (to) => new Promise((resolve) => {
  const socket = net.connect(to); const end = (ok) => { socket.destroy(); resolve(ok) }
  socket.once('connect', () => end(true)); socket.once('error', () => end(false)); setTimeout(() => end(false), 2000) })
const attacks = { ${Object.entries(ATTACKS)
  .map(([name, code]) => `${JSON.stringify(name)}: async () => ${code}`)
  .join(',\n')} }
;(async () => {
  for (const [name, attack] of Object.entries(attacks)) {
    let succeeded = false, code
    try { succeeded = await attack() === true } catch (e) { code = e.code ?? e.message }
    console.log('attack ' + JSON.stringify({ name, succeeded, code }))
  }
  process.exit(0)
})()`

/** Attacks of a program of its own each. */
const FLOODS = [
  'fills the disk',
  'fills the disk with deleted files',
  'fills /dev/shm',
  'starts processes without end',
  'leaves a process behind',
] as const

/** One suite for every launcher: what a hostile trainer tries. */
export function attackCases({ name, create, succeeding = [], skipped = {} }: AttackCases): void {
  describe(`attacks of a trainer: ${name}`, () => {
    let underTest: LauncherUnderTest
    let victims: Victims
    let nextJob = 1
    const outcomes = new Map<string, { succeeded: boolean; code?: string }>()
    beforeAll(async () => {
      victims = await makeVictims()
      underTest = await create(victims)
      const ref = await start(PROGRAM(victims))
      await ended(ref)
      for (const line of await output(ref)) {
        const found = /^attack (\{.*\})$/.exec(line)?.[1]
        if (found === undefined) continue
        const outcome: { name: string; succeeded: boolean; code?: string } = JSON.parse(found)
        outcomes.set(outcome.name, outcome)
      }
      if (outcomes.size === 0) throw new Error(`the hostile trainer did not run: ${(await output(ref)).join('\n')}`)
    }, 300_000)
    afterAll(async () => {
      for await (const ref of underTest.launcher.list()) await underTest.launcher.remove(ref)
      await underTest.close()
      await victims.close()
    }, 300_000)

    const start = async (program: string, over: Partial<LaunchRequest> = {}): Promise<AttemptRef> => {
      const ref = { jobId: nextJob++, attempt: 1 }
      await underTest.launcher.launch(
        launchRequest({ ...ref, argv: ['node', '-e', program], trainer: underTest.trainer, ...over }),
      )
      return ref
    }
    const ended = async (ref: AttemptRef): Promise<Extract<Observation, { state: 'exited' }>> => {
      for (let waits = 0; waits < 6000; waits++) {
        const seen = await underTest.launcher.observe(ref)
        if (seen.state === 'exited') return seen
        if (seen.state !== 'running' && seen.state !== 'pending') throw new Error(`unexpectedly ${seen.state}`)
        await sleep(20)
      }
      throw new Error('the trainer does not end')
    }
    const output = async (ref: AttemptRef): Promise<string[]> => {
      const { lines } = await underTest.launcher.logs(ref, { stdout: 0, stderr: 0 }, { final: true })
      return lines.map(({ text }) => text)
    }
    /** Attacks on what this machine does not have cannot be judged. */
    const exists = (attack: string) =>
      (victims.hasMetadata || !attack.includes('metadata')) &&
      (victims.canaries.length > 0 || !attack.includes('/root')) &&
      (victims.machineAddress !== undefined || !attack.includes('network of the machine'))
    const judge = (attack: string, succeeded: boolean) =>
      exists(attack) ? succeeded === succeeding.includes(attack) : !succeeded

    it.for(Object.keys(ATTACKS))('%s', (attack, test) => {
      if (skipped[attack] !== undefined) test.skip(skipped[attack])
      const outcome = outcomes.get(attack)
      expect({ attack, ...outcome, isAsExpected: judge(attack, outcome?.succeeded ?? true) }).toMatchObject({
        isAsExpected: true,
      })
    })

    const flood = (attack: (typeof FLOODS)[number], run: () => Promise<boolean>) =>
      it.skipIf(skipped[attack] !== undefined)(
        attack,
        async () => {
          expect(await run()).toBe(succeeding.includes(attack))
        },
        300_000,
      )

    flood('fills the disk', async () => {
      // A kubelet measures volumes once a minute.
      const program = `const fs = require('fs'); const b = Buffer.alloc(8e6, 1); let i = 0
        setInterval(() => { if (i < 40) fs.writeFileSync(process.env.WORK_DIR + '/' + i++, b); else setTimeout(() => process.exit(0), 150000) }, 20)`
      const seen = await ended(await start(program, { resources: { diskGb: DISK_GB } }))
      return seen.reason !== 'storage_limit'
    })
    flood('fills the disk with deleted files', async () => {
      const program = `const fs = require('fs'); const b = Buffer.alloc(8e6, 1); let i = 0
        setInterval(() => { const f = process.env.WORK_DIR + '/x'; if (i++ < 40) { const h = fs.openSync(f, 'w'); fs.writeSync(h, b); fs.unlinkSync(f) } else setTimeout(() => process.exit(0), 10000) }, 20)`
      const seen = await ended(await start(program, { resources: { diskGb: DISK_GB } }))
      return seen.reason !== 'storage_limit'
    })
    flood('fills /dev/shm', async () => {
      const program = `const fs = require('fs'); const b = Buffer.alloc(4e6, 1); let done = 0
        try { for (; done < ${ATTACK_LIMITS.shmMb}; done++) fs.writeFileSync('/dev/shm/' + process.pid + '-' + done, b) } catch {}
        for (let i = 0; i < done; i++) fs.rmSync('/dev/shm/' + process.pid + '-' + i)
        console.log('filled ' + (done === ${ATTACK_LIMITS.shmMb}))`
      const ref = await start(program, { resources: { shmMb: ATTACK_LIMITS.shmMb } })
      await ended(ref)
      return (await output(ref)).includes('filled true')
    })
    flood('starts processes without end', async () => {
      const program = `const { spawn } = require('child_process'); const all = []; let failed = 0
        for (let i = 0; i < ${2 * ATTACK_LIMITS.processes}; i++) { try { const c = spawn('sleep', ['30'], { stdio: 'ignore' }); c.on('error', () => failed++); all.push(c) } catch { failed++ } }
        setTimeout(() => { console.log('failed ' + (failed > 0)); for (const c of all) try { c.kill('SIGKILL') } catch {}; process.exit(0) }, 2000)`
      const ref = await start(program)
      await ended(ref)
      return (await output(ref)).includes('failed false')
    })
    flood('leaves a process behind', async () => {
      const marker = `daemon-${randomUUID()}`
      const child = `process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); setInterval(() => {}, 1000)`
      const program = `const c = require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}, '${marker}'], { stdio: 'ignore', detached: true, env: {} })
        c.unref(); c.on('spawn', () => setTimeout(() => process.exit(0), 300))`
      const ref = await start(program)
      await ended(ref)
      await underTest.launcher.remove(ref)
      for (let waits = 0; waits < 100 && (await isRunning(marker)); waits++) await sleep(100)
      return await isRunning(marker)
    })
  })
}
