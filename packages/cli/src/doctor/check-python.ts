import type { TrainerManifest } from '@trainyard/contract'
import { findPythons, findUv, type Python, satisfies } from '@trainyard/environments'
import type { CliIo } from '../command-line/io.ts'
import type { DoctorCheck } from './checks.ts'

/** The Pythons of this machine and uv. They are problems only for a trainer that declares a Python environment. */
export async function checkPython(manifest: TrainerManifest | undefined, env: CliIo['env']): Promise<DoctorCheck[]> {
  const required = manifest?.runtime?.python
  const [pythons, uv] = await Promise.all([findPythons(env), checkUv(env, required !== undefined)])
  return [checkVersions(pythons, required), uv]
}

function checkVersions(pythons: readonly Python[], required: string | undefined): DoctorCheck {
  const name = 'Python'
  const text = pythons.map(({ version, path }) => `${version} (${path})`).join(', ') || 'none found'
  if (required === undefined) return { name, status: pythons.length === 0 ? 'skipped' : 'ok', text }
  if (pythons.some(({ version }) => satisfies(version, required))) return { name, status: 'ok', text }
  const help = `trainer.json requires Python ${required}. Install one, for example with "uv python install", or change "runtime.python"`
  return { name, status: 'problem', text, help }
}

async function checkUv(env: CliIo['env'], isNeeded: boolean): Promise<DoctorCheck> {
  const name = 'uv'
  try {
    const { version, path } = await findUv(env)
    return { name, status: 'ok', text: `${version} (${path})` }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { name, status: isNeeded ? 'problem' : 'skipped', text }
  }
}
