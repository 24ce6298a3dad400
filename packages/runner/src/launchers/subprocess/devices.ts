import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { lockFolder } from '@trainyard/platform'
import { NoRoomError } from '../../errors.ts'
import type { Devices } from '../launcher.ts'
import type { SubprocessConfig } from './config.ts'
import { type AttemptFiles, attemptFiles, parseAttemptName } from './spec.ts'

/** The GPUs of this machine, by CUDA's numbers. Undefined: no GPU was found. */
export async function findDevices(): Promise<string[] | undefined> {
  try {
    const args = ['--query-gpu=index', '--format=csv,noheader']
    const { stdout } = await promisify(execFile)('nvidia-smi', args, { timeout: 10_000 })
    const ids = stdout.split('\n').flatMap((line) => (/^\d+$/.test(line.trim()) ? [line.trim()] : []))
    return ids.length === 0 ? undefined : ids
  } catch {
    return undefined
  }
}

/** Reads the assignments from the attempts' folders. A runner that adopts attempts knows them, and removal frees the devices. */
async function usedDevices(config: SubprocessConfig): Promise<Set<string>> {
  const used = new Set<string>()
  for (const name of await readdir(config.attemptsDir)) {
    const ref = parseAttemptName(name)
    if (ref === undefined) continue
    for (const id of await readDevices(attemptFiles(config, ref))) used.add(id)
  }
  return used
}

export async function readDevices(files: Pick<AttemptFiles, 'devices'>): Promise<string[]> {
  const text = await readFile(files.devices, 'utf8').catch(() => '')
  return text.trim() === '' ? [] : text.trim().split(',')
}

export async function countDevices(config: SubprocessConfig): Promise<Devices | undefined> {
  if (config.devices === undefined) return undefined
  const used = await usedDevices(config)
  return { total: config.devices.length, free: config.devices.filter((id) => !used.has(id)).length }
}

/**
 * Assigns free devices to an attempt whose folder exists. Undefined: devices are not assigned on this machine.
 *
 * @throws NoRoomError when not enough devices are free
 */
export async function takeDevices(
  config: SubprocessConfig,
  files: Pick<AttemptFiles, 'devices'>,
  count: number,
): Promise<string[] | undefined> {
  const { devices } = config
  if (devices === undefined) return undefined
  if (count === 0) return []
  if (count > devices.length)
    throw new Error(`The trainer needs ${count} GPUs, but this machine has ${devices.length} (GPU_DEVICES)`)
  const lock = await waitForLock(config.attemptsDir)
  try {
    const assigned = await readDevices(files)
    if (assigned.length > 0) return assigned
    const used = await usedDevices(config)
    const free = devices.filter((id) => !used.has(id))
    if (free.length < count)
      throw new NoRoomError(`The trainer needs ${count} GPUs, but ${free.length} of ${devices.length} are free`)
    const taken = free.slice(0, count)
    await writeFile(files.devices, taken.join(','))
    return taken
  } finally {
    await lock.release()
  }
}

/** Runners with the same folder assign devices one at a time. */
async function waitForLock(dir: string) {
  for (let tries = 0; ; tries++) {
    try {
      return await lockFolder(dir, { fileName: 'devices.lock' })
    } catch (error) {
      if (tries > 500) throw error
      await sleep(20)
    }
  }
}
