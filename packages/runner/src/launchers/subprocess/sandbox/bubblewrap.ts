import { dirname } from 'node:path'
import type { Mount } from './mounts.ts'
import { dropToUser } from './privileges.ts'
import type { Sandbox, SandboxRequest } from './sandbox.ts'

/** bubblewrap reads the filter from this descriptor. */
const FILTER_DESCRIPTOR = 9
const OPEN_FILTER = `filter=$1; shift; exec "$@" ${FILTER_DESCRIPTOR}<"$filter"`

/** The arguments in front of a command that runs in bubblewrap. */
export function bubblewrapCommand(sandbox: Sandbox, request: SandboxRequest): string[] {
  const { tools, filter, view, namespaces } = sandbox
  const { mounts, id, shmBytes } = request
  const { bwrap = 'bwrap' } = tools
  return [
    ...(filter === undefined ? [] : ['/bin/sh', '-c', OPEN_FILTER, 'trainyard-filter', request.filterFile]),
    bwrap,
    ...(filter === undefined ? [] : ['--seccomp', String(FILTER_DESCRIPTOR)]),
    ...['--dev', '/dev'],
    ...view.devices.flatMap((file) => ['--dev-bind-try', file, file]),
    ...['--perms', '1777', '--size', String(shmBytes), '--tmpfs', '/dev/shm'],
    ...namespaces,
    ...withParents([...mounts.system, ...mounts.own]),
    // A writable tmpfs could be used to fill the memory.
    ...mounts.own.flatMap((mount) => (mount.type === 'empty' ? ['--remount-ro', mount.path] : [])),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    ...(request.ownNetwork ? ['--unshare-net'] : []),
    ...['--unshare-ipc', '--unshare-uts', '--cap-drop', 'ALL'],
    // Only to become another user, which loses them.
    ...(id === undefined ? [] : ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name])),
    // When the launcher's process is killed, everything in the sandbox ends.
    ...['--die-with-parent', '--chdir', request.cwd, '--'],
    ...(id === undefined ? [] : dropToUser(tools, id)),
  ]
}

/** Without these, bubblewrap creates folders that only root can enter. */
function withParents(mounts: readonly Mount[]): string[] {
  const known = new Set(['/', ...mounts.map(placeOf)])
  return mounts.flatMap((mount) => {
    const parents: string[] = []
    for (let dir = dirname(placeOf(mount)); !known.has(dir); dir = dirname(dir)) {
      known.add(dir)
      parents.unshift(dir)
    }
    return [...parents.flatMap((dir) => ['--perms', '0755', '--dir', dir]), ...mountArgs(mount)]
  })
}

const placeOf = (mount: Mount): string => (mount.type === 'bind' ? mount.to : mount.path)

function mountArgs(mount: Mount): string[] {
  switch (mount.type) {
    case 'bind':
      return [mount.isWritable ? '--bind' : '--ro-bind', mount.from, mount.to]
    case 'symlink':
      return ['--symlink', mount.target, mount.path]
    case 'empty':
      return ['--tmpfs', mount.path]
  }
}
