import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError, type Logger } from '@trainyard/platform'
import type { SandboxChoice } from '../config.ts'
import { findIdRange } from './identity.ts'
import { loadFilter, startLoopback } from './load-filter.ts'
import { planMounts } from './mounts.ts'
import type { Interpreter, Sandbox, SandboxTools } from './sandbox.ts'
import { sandboxCommand } from './sandbox-command.ts'
import { assembleFilter, filterArch } from './seccomp.ts'
import { readSystemView } from './system-view.ts'
import { findTool } from './tools.ts'

/** Read-only /proc: root needs no capability for /proc/sys, where it could name a program that the kernel runs as root. */
const OWN_PROCESSES = ['--unshare-pid', '--proc', '/proc', '--remount-ro', '/proc']

export interface FindSandboxOptions {
  choice: SandboxChoice
  /** The platform's own folders, which trainers must not see. */
  dataDirs: readonly string[]
  logger: Pick<Logger, 'info' | 'warn'>
  /** More folders that trainers may read. */
  readPaths?: readonly string[] | undefined
  /** The server's PATH, in which programs are searched. Default: that of this process. */
  path?: string | undefined
}

/** A sandbox, or why none can be used. */
export type SandboxSearch = { sandbox: Sandbox } | { sandbox: undefined; problem: string }

/** Tries what the kernel allows this user, from the strictest to the weakest. Programs are found once, by absolute path. */
export async function findSandbox(options: FindSandboxOptions): Promise<SandboxSearch> {
  const { choice, dataDirs, logger, readPaths, path } = options
  if (choice === 'none') return { sandbox: undefined, problem: 'SUBPROCESS_SANDBOX is "none"' }
  const problems: string[] = []
  if (process.platform === 'linux') {
    const base = { view: readSystemView({ dataDirs, readPaths }), tools: await findTools(path) }
    const candidates = [...bubblewrapCandidates(base), ...utilLinuxCandidates(base)]
    for (const candidate of candidates) {
      if (choice !== 'auto' && choice !== candidate.kind) continue
      const found = await tryCandidate(candidate, problems)
      if (found === undefined) continue
      logger.info(describeSandbox(found), 'trainers run in a sandbox')
      return { sandbox: found }
    }
    for (const kind of ['bubblewrap', 'util-linux'] as const)
      if (['auto', kind].includes(choice) && !candidates.some((candidate) => candidate.kind === kind))
        problems.push(kind === 'bubblewrap' ? 'bwrap was not found' : 'unshare, setpriv or mount was not found')
  } else problems.push('sandboxes exist on Linux only')
  const problem = [...new Set(problems)].join('; ')
  if (choice === 'auto') return { sandbox: undefined, problem }
  throw new ConfigError(
    `SUBPROCESS_SANDBOX is "${choice}", but it cannot be used here: ${problem}. Install it and allow user namespaces; otherwise expected "auto" or "none"`,
  )
}

/** What a sandbox does, for logs and notes. */
export function describeSandbox({ kind, ownNetwork, filter, ids }: Sandbox) {
  return {
    sandbox: kind,
    ownNetwork,
    systemCalls: filter === undefined ? 'not filtered' : 'filtered',
    user: ids === undefined ? 'the same for all' : 'one for each attempt',
  }
}

type Base = Pick<Sandbox, 'view' | 'tools'>

const isRoot = () => process.getuid?.() === 0

function bubblewrapCandidates({ view, tools }: Base): Sandbox[] {
  if (tools.bwrap === undefined) return []
  const base = { kind: 'bubblewrap', tools, view, ownNetwork: true, filter: filterArch() } as const
  const inNamespace: Sandbox[] = [
    ['--unshare-user', '--disable-userns', ...OWN_PROCESSES],
    ['--unshare-user', ...OWN_PROCESSES],
  ].map((namespaces) => ({ ...base, namespaces, ids: undefined }))
  const ids = isRoot() && tools.setpriv !== undefined ? findIdRange() : undefined
  if (ids !== undefined) return [{ ...base, namespaces: OWN_PROCESSES, ids }, ...inNamespace]
  return isRoot() ? inNamespace : [...inNamespace, { ...base, namespaces: OWN_PROCESSES, ids: undefined }]
}

function utilLinuxCandidates({ view, tools }: Base): Sandbox[] {
  const { unshare, setpriv, path } = tools
  if (unshare === undefined || setpriv === undefined || findTool('mount', path) === undefined) return []
  const arch = filterArch()
  const filter = arch !== undefined && loadFilter(tools, arch, '') !== undefined ? arch : undefined
  const ownNetwork = startLoopback(tools) !== undefined
  const namespaces = ['--mount', '--pid', '--ipc', '--uts']
  const base = { kind: 'util-linux', tools, view, filter, ownNetwork } as const
  const ids = isRoot() ? findIdRange() : undefined
  if (isRoot()) return ids === undefined ? [] : [{ ...base, namespaces, ids }]
  return [{ ...base, namespaces: ['--user', '--map-root-user', ...namespaces], ids: undefined }]
}

/** The candidate as far as it works. Undefined: not at all. */
async function tryCandidate(candidate: Sandbox, problems: string[]): Promise<Sandbox | undefined> {
  const variants = [candidate]
  if (candidate.ownNetwork) variants.push({ ...candidate, ownNetwork: false })
  if (candidate.filter !== undefined)
    variants.push(...variants.map((variant): Sandbox => ({ ...variant, filter: undefined })))
  for (const variant of variants) {
    const problem = await trySandbox(variant)
    if (problem === '') return variant
    problems.push(`${candidate.kind}: ${problem}`)
  }
  return undefined
}

/** Starts Node in the sandbox, as for an attempt. Returns the error message, or an empty string if it works. */
async function trySandbox(sandbox: Sandbox): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'trainyard-probe-')))
  try {
    const folder = (name: string) => join(dir, name)
    for (const name of ['trainer', 'work', 'input', 'cache', 'root', 'tools']) await mkdir(folder(name))
    const filterFile = folder('tools/filter')
    if (sandbox.filter !== undefined) await writeFile(filterFile, assembleFilter(sandbox.filter))
    const id = sandbox.ids?.first
    if (id !== undefined) await chown(folder('work'), id, id)
    await chmod(dir, 0o755)
    const mounts = planMounts(sandbox.view, {
      trainerDir: folder('trainer'),
      workDir: folder('work'),
      tmpDir: folder('work'),
      inputDir: folder('input'),
      datasetCacheDir: folder('cache'),
      toolsDir: folder('tools'),
    })
    const [program = '', ...args] = [
      ...sandboxCommand(sandbox, {
        mounts,
        id,
        filterFile,
        cwd: folder('trainer'),
        ownNetwork: sandbox.ownNetwork,
        shmBytes: 1024 ** 2,
        rootDir: folder('root'),
      }),
      ...[process.execPath, '-e', 'require("node:fs").writeFileSync("/tmp/probe", "")'],
    ]
    await promisify(execFile)(program, args, { timeout: 20_000, env: { PATH: '/usr/bin:/bin' } })
    return ''
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return (stderr === '' ? String(error) : stderr).slice(0, 300)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function findTools(path: string | undefined): Promise<SandboxTools> {
  const setpriv = findTool('setpriv', path)
  const perl = findTool('perl', path)
  const python = findTool('python3', path)
  const pythonInterpreter: Interpreter | undefined =
    python === undefined ? undefined : { name: 'python3', program: python }
  return {
    bwrap: findTool('bwrap', path),
    unshare: findTool('unshare', path),
    setpriv,
    ip: findTool('ip', path),
    interpreter: perl === undefined ? pythonInterpreter : { name: 'perl', program: perl },
    setprivLoadsFilters: setpriv !== undefined && (await helpOf(setpriv)).includes('--seccomp-filter'),
    path: [path ?? process.env.PATH, '/usr/sbin:/usr/bin:/sbin:/bin'].filter(Boolean).join(':'),
  }
}

async function helpOf(program: string): Promise<string> {
  const outcome = await promisify(execFile)(program, ['--help'], { timeout: 10_000 }).catch(() => ({ stdout: '' }))
  return outcome.stdout
}
