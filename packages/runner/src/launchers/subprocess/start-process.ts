import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processIdentity } from '@trainyard/platform'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import { isCode, writeAtomically } from './attempt-folder.ts'
import { type CgroupParent, createCgroup } from './cgroups.ts'
import type { SubprocessConfig } from './config.ts'
import { takeDevices } from './devices.ts'
import { limitsOf, type SubprocessLimits } from './limits.ts'
import {
  type AttemptFiles,
  attemptFiles,
  attemptName,
  type ProcessSpec,
  processSpec,
  type SpecOptions,
} from './spec.ts'

export interface StartOptions extends Omit<SpecOptions, 'devices' | 'limits' | 'id' | 'hasMemoryGroup'> {
  cgroups: CgroupParent | undefined
  limits: SubprocessLimits | undefined
  /** The attempt's own user, if it has one. */
  idOf(ref: AttemptRef): number | undefined
  signal: AbortSignal | undefined
}

/** Starts the process of an attempt unless it was started before. */
export async function startProcess(
  request: LaunchRequest,
  config: SubprocessConfig,
  options: StartOptions,
): Promise<void> {
  const files = attemptFiles(config, request)
  if (existsSync(files.started)) return
  const id = options.idOf(request)
  await createFolders(files, id)
  const { resources, environment } = request
  if (environment !== undefined)
    await symlink(environment.dir, files.environment).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error
    })
  const limits = limitsOf(resources, options.limits)
  const devices = await takeDevices(config, files, resources.gpu ?? 0)
  await createCgroup(options.cgroups, attemptName(request), limits, files)
  const hasMemoryGroup = options.cgroups !== undefined
  const spec = processSpec(request, config, { ...options, devices, id, limits, hasMemoryGroup })
  await writeAtomically(files.tokenFile, request.token, id)
  if (spec.configText !== undefined) await writeAtomically(files.configFile, spec.configText, id)
  if (limits.diskBytes !== undefined) await writeFile(files.diskLimit, String(limits.diskBytes))
  options.signal?.throwIfAborted()
  await writeFile(files.launched, '')
  await spawnShim(spec, files, options.signal)
}

/** With a user of its own, an attempt can enter its folder, and write to its work folder. */
async function createFolders(files: AttemptFiles, id: number | undefined): Promise<void> {
  const tmpDir = join(files.workDir, 'tmp')
  await mkdir(tmpDir, { recursive: true, mode: 0o700 })
  for (const dir of [files.inputDir, files.rootDir]) await mkdir(dir, { recursive: true, mode: 0o700 })
  if (id === undefined) return
  for (const dir of [files.dir, files.inputDir]) {
    await chown(dir, 0, id)
    await chmod(dir, 0o750)
  }
  for (const dir of [files.workDir, tmpDir]) await chown(dir, id, id)
  // bubblewrap enters it as root without privileges, if the trainer's folder is in the machine's /tmp.
  await chmod(tmpDir, 0o711)
}

async function spawnShim(spec: ProcessSpec, files: AttemptFiles, signal: AbortSignal | undefined): Promise<void> {
  const stdout = await open(files.stdout, 'a')
  const stderr = await open(files.stderr, 'a')
  try {
    // Without a pause before the start: what was aborted must not be started, and what was started is stopped.
    signal?.throwIfAborted()
    const child = spawn(spec.file, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      // In a session and process group of its own, so that signals to the runner's group do not reach it.
      detached: true,
      // Files, because pipes break when the runner dies.
      stdio: ['ignore', stdout.fd, stderr.fd],
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    child.on('error', () => {})
    const identity = child.pid === undefined ? undefined : await processIdentity(child.pid)
    if (identity !== undefined) await writeAtomically(`${files.identityPrefix}${child.pid}`, identity)
  } finally {
    await stdout.close()
    await stderr.close()
  }
}
