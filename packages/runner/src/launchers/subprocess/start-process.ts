import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processIdentity } from '@trainyard/platform'
import type { LaunchRequest } from '../launcher.ts'
import { writeAtomically } from './attempt-folder.ts'
import { type CgroupParent, createCgroup } from './cgroups.ts'
import type { SubprocessConfig } from './config.ts'
import { takeDevices } from './devices.ts'
import {
  type AttemptFiles,
  attemptFiles,
  attemptName,
  type ProcessSpec,
  processSpec,
  type SpecOptions,
} from './spec.ts'

export interface StartOptions extends Omit<SpecOptions, 'devices'> {
  cgroups: CgroupParent | undefined
  maxProcesses: number | undefined
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
  await mkdir(join(files.workDir, 'tmp'), { recursive: true, mode: 0o700 })
  await mkdir(files.inputDir, { recursive: true, mode: 0o700 })
  const { resources } = request
  const devices = await takeDevices(config, files, resources.gpu ?? 0)
  await createCgroup(options.cgroups, attemptName(request), resources, files, options.maxProcesses)
  const spec = processSpec(request, config, { ...options, devices })
  await writeAtomically(files.tokenFile, request.token)
  if (spec.configText !== undefined) await writeFile(files.configFile, spec.configText)
  options.signal?.throwIfAborted()
  await writeFile(files.launched, '')
  await spawnShim(spec, files, options.signal)
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
