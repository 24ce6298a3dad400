import type { TrainerManifest } from '@trainyard/contract'
import { redact } from '@trainyard/contract'
import { explainConfig } from '@trainyard/sdk/config'
import type { CliIo } from '../command-line/io.ts'

/** One setting for display. Secrets are masked. */
export interface ShownSetting {
  name: string
  value: string
  /** "default", "trainer.json", the name of a variable, or a file. */
  source: string
}

const SECRETS = new Set(['TRAINYARD_TOKEN', 'CALLBACK_TOKEN'])
const VARIABLES: readonly { name: string; fallback?: string }[] = [
  { name: 'TRAINYARD_REGISTRY' },
  { name: 'TRAINYARD_RUNNER', fallback: 'TRAINYARD_REGISTRY' },
  { name: 'TRAINYARD_TOKEN' },
  { name: 'TRAINYARD_TOKEN_FILE' },
  { name: 'CALLBACK_URL' },
  { name: 'CALLBACK_TOKEN' },
  { name: 'CALLBACK_TOKEN_FILE' },
  { name: 'WORK_DIR' },
  { name: 'DATASET_CACHE_DIR' },
  { name: 'DATASET_CACHE_MAX_GB' },
  { name: 'DATASET_CACHE_FILLED_BY' },
  { name: 'LOG_LEVEL' },
  { name: 'HTTPS_PROXY' },
  { name: 'HTTP_PROXY' },
  { name: 'NO_PROXY' },
  { name: 'NODE_EXTRA_CA_CERTS' },
]

/** The variables that the command line and the SDK read. */
export function listVariables(env: CliIo['env']): ShownSetting[] {
  return VARIABLES.map(({ name, fallback }) => {
    const value = env[name]
    if (value) return { name, value: SECRETS.has(name) ? mask(value) : redact(value), source: name }
    const inherited = fallback === undefined ? undefined : env[fallback]
    if (inherited && fallback) return { name, value: redact(inherited), source: fallback }
    return { name, value: '(not set)', source: 'default' }
  })
}

/** The settings of a job that runs in this folder. */
export function listJobSettings(env: CliIo['env'], manifest: TrainerManifest): ShownSetting[] {
  return explainConfig(env, manifest).map(({ name, value, source }) => ({
    name,
    value: /token|secret|password|key/i.test(name) ? mask(String(value)) : redact(JSON.stringify(value) ?? ''),
    source:
      source.kind === 'variable'
        ? source.name
        : source.kind === 'file'
          ? source.path
          : source.kind === 'manifest'
            ? 'trainer.json'
            : 'default',
  }))
}

/** Shows enough to recognise a secret, not enough to use it. */
function mask(secret: string): string {
  return secret.length < 12 ? '…' : `${secret.slice(0, 4)}… (${secret.length} characters)`
}
