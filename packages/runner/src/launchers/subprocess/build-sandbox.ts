import { execFile } from 'node:child_process'
import { chown, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { BuildFolders, BuildRequest, BuildSandbox } from '@trainyard/environments'
import { SandboxUnavailable } from '../../errors.ts'
import { type CgroupParent, createCgroup, removeCgroup } from './cgroups.ts'
import { DEFAULT_LIMITS, limitsOf, type SubprocessLimits } from './limits.ts'
import { planNetwork, type TrainerNetwork } from './network/plan-network.ts'
import { START_BEHIND_RELAY } from './network/relay.ts'
import { attemptId, type IdRange } from './sandbox/identity.ts'
import { planMounts } from './sandbox/mounts.ts'
import { dropToUser } from './sandbox/privileges.ts'
import type { Sandbox, SandboxTools } from './sandbox/sandbox.ts'
import { sandboxCommand } from './sandbox/sandbox-command.ts'
import { FILTER_FILE } from './spec.ts'

const run = promisify(execFile)

export interface BuildSandboxOptions {
  sandbox: Sandbox | undefined
  /** Undefined: builds share the network of this machine. */
  network: TrainerNetwork | undefined
  /** Undefined: builds run as this user. */
  ids: IdRange | undefined
  /** The programs that change the user, without a sandbox. */
  tools: SandboxTools | undefined
  cgroups: CgroupParent | undefined
  limits: SubprocessLimits | undefined
  toolsDir: string
  /** Identifies this machine's attempts. */
  host: string
  /** Why nothing of others is run here. */
  refusal: string | undefined
}

/**
 * Joins the control groups and sets limits: `$1` is the folder with the links, `$2` the number of processes. What starts behind
 * the relay reports on descriptor 3.
 */
const LIMITED = `
for group in cgroup cgroup-pids; do
[ ! -e "$1/$group/cgroup.procs" ] || echo $$ > "$1/$group/cgroup.procs" || :
done
processes=$2; shift 2
ulimit -c 0
ulimit -u "$processes" 2>/dev/null || ulimit -p "$processes" 2>/dev/null || :
exec "$@" 3>/dev/null`

/** Builds of Python environments run like trainers: packages are code of strangers, and some run it when they are installed. */
export function createBuildSandbox(options: BuildSandboxOptions): BuildSandbox | undefined {
  const { sandbox, ids, host, cgroups, refusal, tools } = options
  if (refusal === undefined && sandbox === undefined && (ids === undefined || tools === undefined)) return undefined
  return {
    async open(build) {
      if (refusal !== undefined) throw new SandboxUnavailable(refusal)
      const { folders } = build
      const draft = dirname(folders.workDir)
      const id = ids && attemptId(ids, `${host} ${draft}`, { jobId: 0, attempt: 0 })
      await mkdir(join(draft, 'root'))
      const own = [folders.workDir, folders.cacheDir, folders.tmpDir, folders.homeDir]
      if (id !== undefined) for (const dir of own) await chown(dir, id, id)
      const limits = limitsOf({}, options.limits ?? DEFAULT_LIMITS)
      const links = { cgroup: join(draft, 'cgroup'), pidsCgroup: join(draft, 'cgroup-pids') }
      await createCgroup(cgroups, `environment-${draft.split('-').at(-1)}-${process.pid}`, limits, links)
      return {
        wrap(argv, env) {
          const { command, variables } = isolate(build, options, { id, shmBytes: limits.shmBytes })
          return {
            argv: ['/bin/sh', '-c', LIMITED, 'trainyard-build', draft, String(limits.processes), ...command, ...argv],
            env: { ...env, ...variables },
          }
        },
        async close() {
          await removeCgroup(links.cgroup)
          await removeCgroup(links.pidsCgroup)
          if (id !== undefined) await takeOver(folders)
        },
      }
    },
  }
}

/** The arguments in front of a command of a build. */
function isolate(
  { folders, readPaths, addresses }: BuildRequest,
  { sandbox, network, tools, toolsDir }: BuildSandboxOptions,
  { id, shmBytes }: { id: number | undefined; shmBytes: number },
): { command: string[]; variables: Record<string, string> } {
  if (sandbox === undefined)
    return { command: tools === undefined || id === undefined ? [] : dropToUser(tools, id), variables: {} }
  const planned = network && planNetwork({ networkHosts: [] }, { ...network, trusted: addresses })
  const mounts = planMounts(sandbox.view, {
    trainerDir: folders.projectDir,
    inputDir: folders.projectDir,
    workDir: folders.workDir,
    tmpDir: folders.tmpDir,
    toolsDir,
    gatewayDir: network?.gatewayDir,
    readPaths,
  })
  const command = sandboxCommand(sandbox, {
    mounts,
    id,
    cwd: folders.projectDir,
    ownNetwork: network !== undefined,
    shmBytes,
    filterFile: join(toolsDir, FILTER_FILE),
    rootDir: join(dirname(folders.workDir), 'root'),
  })
  // bubblewrap ends with the runner that started it.
  const { setpriv = 'setpriv' } = sandbox.tools
  const bound = sandbox.kind === 'util-linux' ? [setpriv, '--pdeathsig', 'KILL', '--'] : []
  const relay = network && ['/bin/sh', '-c', START_BEHIND_RELAY, 'trainyard-start', process.execPath, network.relay]
  return {
    command: [...bound, ...command, ...(relay === undefined ? [] : [...relay, JSON.stringify(planned?.plan)])],
    variables: planned?.env ?? {},
  }
}

/** The environment stays, the user of the build does not. */
async function takeOver({ environmentDir }: BuildFolders): Promise<void> {
  const { getuid, getgid } = process
  await run('chown', ['-R', '-h', `${getuid?.() ?? 0}:${getgid?.() ?? 0}`, environmentDir]).catch(() => {})
  await run('chmod', ['-R', 'u+rwX,go+rX,go-w,a-st', environmentDir]).catch(() => {})
}
