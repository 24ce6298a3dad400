import { describe, expect, it } from 'vitest'
import { bubblewrapCommand } from './bubblewrap.ts'
import { attemptId, findIdRange } from './identity.ts'
import { type Mount, planMounts, type SystemView } from './mounts.ts'
import type { Sandbox, SandboxRequest } from './sandbox.ts'
import { filterInstructions } from './seccomp.ts'
import { utilLinuxCommand } from './util-linux.ts'

const work = '/data/attempts/trainyard-42-3/work'
const view: SystemView = {
  mounts: [
    { type: 'bind', from: '/usr', to: '/usr', isWritable: false },
    { type: 'symlink', path: '/bin', target: 'usr/bin' },
    { type: 'bind', from: '/run/systemd/resolve/resolv.conf', to: '/etc/resolv.conf', isWritable: false },
    { type: 'bind', from: '/opt', to: '/opt', isWritable: false },
  ],
  devices: ['/dev/nvidia0'],
  hidden: ['/data', '/opt/trainyard', '/srv/bundles/sha256-abc/.trainyard'],
}
const paths = {
  trainerDir: '/srv/bundles/sha256-abc',
  workDir: work,
  tmpDir: `${work}/tmp`,
  inputDir: '/data/attempts/trainyard-42-3/input',
  datasetCacheDir: '/data/datasets',
  toolsDir: '/data/attempts/tools',
}
const sandbox: Sandbox = {
  kind: 'bubblewrap',
  tools: {
    bwrap: '/own/bwrap',
    unshare: '/usr/bin/unshare',
    setpriv: '/usr/bin/setpriv',
    ip: '/sbin/ip',
    path: '/own',
  },
  namespaces: ['--unshare-pid', '--proc', '/proc'],
  ownNetwork: true,
  filter: 'x64',
  ids: { first: 70_000, size: 10 },
  view,
}
const request: SandboxRequest = {
  mounts: planMounts(view, paths),
  cwd: paths.trainerDir,
  ownNetwork: true,
  shmBytes: 1048576,
  id: 70_001,
  filterFile: '/data/attempts/tools/seccomp.bpf',
  rootDir: '/data/attempts/trainyard-42-3/root',
}
/** Starts a line at each argument that matches. */
function lines(args: readonly string[], start: RegExp): string[] {
  const all: string[] = []
  for (const arg of args) {
    if (start.test(arg) || all.length === 0) all.push(arg)
    else all.push(`${all.pop()} ${arg}`)
  }
  return all
}

describe('the files of an attempt', () => {
  it('are those of the system, its own, and nothing else', () => {
    const show = ({ type, ...mount }: Mount) =>
      mount && type === 'bind'
        ? `${'isWritable' in mount && mount.isWritable ? 'rw' : 'ro'} ${Reflect.get(mount, 'to')}`
        : `${type} ${Reflect.get(mount, 'path')}`
    expect(request.mounts.system.map(show)).toEqual(['ro /usr', 'symlink /bin', 'ro /etc/resolv.conf', 'ro /opt'])
    expect(request.mounts.own.map(show)).toEqual([
      'rw /tmp',
      'rw /var/tmp',
      'ro /srv/bundles/sha256-abc',
      'empty /opt/trainyard',
      'empty /srv/bundles/sha256-abc/.trainyard',
      'ro /data/attempts/tools',
      'ro /data/attempts/trainyard-42-3/input',
      'ro /data/datasets',
      `rw ${work}`,
    ])
  })

  it('shows a program once, whether its folder is shown too or not', () => {
    const readPaths = ['/python/bin/uv', '/python', '/other/uv', '/python', '/usr/bin/uv']
    const { own } = planMounts(view, { ...paths, readPaths })
    const shown = own.flatMap((mount) => (mount.type === 'bind' && readPaths.includes(mount.to) ? [mount.to] : []))
    expect(shown).toEqual(['/python', '/other/uv'])
  })

  it('can include a writable copy of the trainer, with read-only folders in it', () => {
    const { own } = planMounts(view, { ...paths, trainerCopy: { dir: '/scratch', shown: ['node_modules'] } })
    expect(own.slice(2, 4)).toEqual([
      { type: 'bind', from: '/scratch', to: paths.trainerDir, isWritable: true },
      {
        type: 'bind',
        from: `${paths.trainerDir}/node_modules`,
        to: `${paths.trainerDir}/node_modules`,
        isWritable: false,
      },
    ])
  })
})

describe('bubblewrap', () => {
  it('is started by its absolute path with these arguments', () => {
    expect(lines(bubblewrapCommand(sandbox, request).slice(4), /^(--[a-z]|--$|\/own\/)/)).toMatchInlineSnapshot(`
      [
        "/data/attempts/tools/seccomp.bpf",
        "/own/bwrap",
        "--seccomp 9",
        "--dev /dev",
        "--dev-bind-try /dev/nvidia0 /dev/nvidia0",
        "--perms 1777",
        "--size 1048576",
        "--tmpfs /dev/shm",
        "--unshare-pid",
        "--proc /proc",
        "--ro-bind /usr /usr",
        "--symlink usr/bin /bin",
        "--perms 0755",
        "--dir /etc",
        "--ro-bind /run/systemd/resolve/resolv.conf /etc/resolv.conf",
        "--ro-bind /opt /opt",
        "--bind /data/attempts/trainyard-42-3/work/tmp /tmp",
        "--perms 0755",
        "--dir /var",
        "--bind /data/attempts/trainyard-42-3/work/tmp /var/tmp",
        "--perms 0755",
        "--dir /srv",
        "--perms 0755",
        "--dir /srv/bundles",
        "--ro-bind /srv/bundles/sha256-abc /srv/bundles/sha256-abc",
        "--tmpfs /opt/trainyard",
        "--tmpfs /srv/bundles/sha256-abc/.trainyard",
        "--perms 0755",
        "--dir /data",
        "--perms 0755",
        "--dir /data/attempts",
        "--ro-bind /data/attempts/tools /data/attempts/tools",
        "--perms 0755",
        "--dir /data/attempts/trainyard-42-3",
        "--ro-bind /data/attempts/trainyard-42-3/input /data/attempts/trainyard-42-3/input",
        "--ro-bind /data/datasets /data/datasets",
        "--bind /data/attempts/trainyard-42-3/work /data/attempts/trainyard-42-3/work",
        "--remount-ro /opt/trainyard",
        "--remount-ro /srv/bundles/sha256-abc/.trainyard",
        "--remount-ro /dev",
        "--remount-ro /",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--cap-drop ALL",
        "--cap-add CAP_SETUID",
        "--cap-add CAP_SETGID",
        "--cap-add CAP_SETPCAP",
        "--die-with-parent",
        "--chdir /srv/bundles/sha256-abc",
        "-- /usr/bin/setpriv",
        "--reuid=70001",
        "--regid=70001",
        "--clear-groups",
        "--inh-caps=-all",
        "--ambient-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--pdeathsig=keep",
        "--",
      ]
    `)
  })
})

describe('util-linux', () => {
  const setup = (command: readonly string[]) => command.map((arg) => (arg.includes('\n') ? 'SETUP' : arg))
  it('prepares the same files as root of the machine', () => {
    const command = utilLinuxCommand({ ...sandbox, kind: 'util-linux', namespaces: ['--mount', '--pid'] }, request, {
      uid: 0,
      gid: 0,
    })
    expect(
      lines(setup(command), /^(ro|rw|link|empty|seal|lock|device|--|\/usr\/bin\/\w+|\/bin\/sh)$/),
    ).toMatchInlineSnapshot(`
      [
        "/usr/bin/unshare --mount --pid --net --fork --kill-child",
        "--",
        "/bin/sh -c "$1" link set lo up || exit 126; shift; exec "$@" trainyard-init /sbin/ip",
        "/bin/sh -c SETUP trainyard-init /data/attempts/trainyard-42-3/root 1048576 /own /srv/bundles/sha256-abc",
        "ro",
        "ro /usr /usr",
        "link usr/bin /bin",
        "ro /run/systemd/resolve/resolv.conf /etc/resolv.conf",
        "ro /opt /opt",
        "lock - ",
        "device /dev/null /dev/null",
        "device /dev/zero /dev/zero",
        "device /dev/full /dev/full",
        "device /dev/random /dev/random",
        "device /dev/urandom /dev/urandom",
        "device /dev/tty /dev/tty",
        "device /dev/nvidia0 /dev/nvidia0",
        "rw /data/attempts/trainyard-42-3/work/tmp /tmp",
        "rw /data/attempts/trainyard-42-3/work/tmp /var/tmp",
        "ro /srv/bundles/sha256-abc /srv/bundles/sha256-abc",
        "lock - /srv/bundles/sha256-abc",
        "empty - /opt/trainyard",
        "empty - /srv/bundles/sha256-abc/.trainyard",
        "ro /data/attempts/tools /data/attempts/tools",
        "lock - /data/attempts/tools",
        "ro /data/attempts/trainyard-42-3/input /data/attempts/trainyard-42-3/input",
        "lock - /data/attempts/trainyard-42-3/input",
        "ro /data/datasets /data/datasets",
        "lock - /data/datasets",
        "rw /data/attempts/trainyard-42-3/work /data/attempts/trainyard-42-3/work",
        "seal - /opt/trainyard",
        "seal - /srv/bundles/sha256-abc/.trainyard",
        "--",
        "/usr/bin/setpriv --reuid=70001 --regid=70001 --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=keep",
        "--",
        "/bin/sh -c "$@"; exit $? trainyard-init",
      ]
    `)
  })

  it('becomes the same user again, if it had to be root of a user namespace', () => {
    const command = utilLinuxCommand(
      { ...sandbox, kind: 'util-linux', ids: undefined, namespaces: ['--user', '--map-root-user', '--mount'] },
      { ...request, id: undefined },
      { uid: 1000, gid: 1001 },
    )
    const end = command.lastIndexOf('/usr/bin/unshare')
    expect(command.slice(end, end + 5)).toEqual([
      '/usr/bin/unshare',
      '--user',
      '--map-user=1000',
      '--map-group=1001',
      '--',
    ])
  })
})

describe('the user of an attempt', () => {
  it('is from a range that exists here, and another for each attempt and each runner', () => {
    expect(findIdRange('0 0 4294967295')?.first).toBe(1_880_000_000)
    expect(findIdRange('0 100000 65536')?.first).toBe(30_000)
    expect(findIdRange('0 1000 1')).toBeUndefined()
    const range = { first: 1_880_000_000, size: 200_000_000 }
    const ids = [
      attemptId(range, 'a', { jobId: 1, attempt: 1 }),
      attemptId(range, 'a', { jobId: 1, attempt: 2 }),
      attemptId(range, 'a', { jobId: 2, attempt: 1 }),
      attemptId(range, 'b', { jobId: 1, attempt: 1 }),
    ]
    expect(new Set(ids).size).toBe(4)
    expect(attemptId(range, 'a', { jobId: 1, attempt: 1 })).toBe(ids[0])
  })
})

describe('the filter of system calls', () => {
  /** What the kernel does: runs the program on a call. */
  const run = (arch: 'x64' | 'arm64', call: { nr: number; arch?: number; args?: number[] }): number => {
    const audit = call.arch ?? { x64: 0xc000003e, arm64: 0xc00000b7 }[arch]
    const program = filterInstructions(arch)
    let value = 0
    for (let at = 0; at < program.length; at++) {
      const step = program[at]
      if (step === undefined) break
      if (step.code === 0x06) return step.value
      if (step.code === 0x20)
        value = step.value === 0 ? call.nr : step.value === 4 ? audit : (call.args?.[(step.value - 16) / 8] ?? 0)
      else {
        const isTrue =
          step.code === 0x15
            ? value === step.value
            : step.code === 0x35
              ? value >= step.value
              : (value & step.value) !== 0
        at += isTrue ? step.yes : step.no
      }
    }
    throw new Error('the program does not end')
  }
  const ALLOW = 0x7fff0000
  const EPERM = 0x00050001
  const ENOSYS = 0x00050026

  it.each([
    ['x64', 'read', { nr: 0 }, ALLOW],
    ['x64', 'execve', { nr: 59 }, ALLOW],
    ['x64', 'mount', { nr: 165 }, EPERM],
    ['x64', 'ptrace', { nr: 101 }, EPERM],
    ['x64', 'bpf', { nr: 321 }, EPERM],
    ['x64', 'io_uring_setup', { nr: 425 }, ENOSYS],
    ['x64', 'clone3', { nr: 435 }, ENOSYS],
    ['x64', 'a newer call', { nr: 999 }, ENOSYS],
    ['x64', 'a call of x32', { nr: 0x40000000 }, ENOSYS],
    ['x64', 'a call of a 32-bit program', { nr: 5, arch: 0x40000003 }, ENOSYS],
    ['x64', 'clone of a thread', { nr: 56, args: [0x003d0f00] }, ALLOW],
    ['x64', 'clone of a user namespace', { nr: 56, args: [0x10000011] }, EPERM],
    ['x64', 'ioctl TCGETS', { nr: 16, args: [0, 0x5401] }, ALLOW],
    ['x64', 'ioctl TIOCSTI', { nr: 16, args: [0, 0x5412] }, EPERM],
    ['x64', 'socket AF_INET', { nr: 41, args: [2] }, ALLOW],
    ['x64', 'socket AF_VSOCK', { nr: 41, args: [40] }, 0x00050061],
    ['arm64', 'read', { nr: 63 }, ALLOW],
    ['arm64', 'mount', { nr: 40 }, EPERM],
    ['arm64', 'unshare', { nr: 97 }, EPERM],
    ['arm64', 'clone of a mount namespace', { nr: 220, args: [0x00020011] }, EPERM],
    ['arm64', 'ioctl TIOCSTI', { nr: 29, args: [0, 0x5412] }, EPERM],
    ['arm64', 'a program of x64', { nr: 63, arch: 0xc000003e }, ENOSYS],
  ] as const)('on %s answers %s', (arch, _name, call, expected) => {
    expect(run(arch, { ...call, args: 'args' in call ? [...call.args] : [] })).toBe(expected)
  })

  it('has no jump that is longer than the kernel allows', () => {
    for (const arch of ['x64', 'arm64'] as const)
      for (const { yes, no } of filterInstructions(arch)) expect(Math.max(yes, no)).toBeLessThan(256)
  })
})
