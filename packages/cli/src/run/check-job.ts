import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import { type CreateJobInput, type FieldIssue, parseSetting } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { checkDataset, looksLikePath } from '../server/push-dataset.ts'

/** The dataset of a job: on this machine, or on the server. */
export type Data = { path: string; id?: undefined } | { id: string; path?: undefined }

/** Finds out what `--dataset` names. Throws {@link UsageError} for a path where no dataset is. */
export async function findData(dataset: string | undefined, io: CliIo): Promise<Data | undefined> {
  if (dataset === undefined) return undefined
  const path = resolve(io.cwd, dataset)
  if ((await stat(path).catch(() => undefined)) === undefined) {
    if (looksLikePath(dataset)) throw new UsageError(`--dataset is "${dataset}": ${path} is not a folder or archive`)
    return { id: dataset }
  }
  await checkDataset(path)
  return { path }
}

/** `epochs=20` → `epochs` and `20` */
export function readSettings(list: readonly string[]): Map<string, string> {
  return new Map(
    list.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new UsageError(`--set is "${text}": expected NAME=VALUE, for example epochs=20`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/**
 * Asks the server what is wrong with a job. Resolves with the settings, whose types the trainer's schema decides. Throws
 * {@link UsageError} that names each option.
 */
export async function checkJob(
  client: TrainyardClient,
  request: CreateJobInput,
  settings: ReadonlyMap<string, string>,
  data: Data | undefined,
): Promise<Record<string, unknown>> {
  let check = await client.jobs.check(request)
  const { properties = {} } = check.trainer.manifest.config.schema
  const config = Object.fromEntries(
    [...settings].map(([name, text]) => [
      name,
      parseSetting(text, Object.hasOwn(properties, name) ? properties[name] : undefined),
    ]),
  )
  if (settings.size > 0) check = await client.jobs.check({ ...request, config })
  // A dataset that is uploaded later has no id yet.
  const issues = check.issues.filter(({ path }) => path !== 'dataset' || data?.path === undefined)
  if (issues.length > 0) throw new UsageError(issues.map((issue) => describe(issue, settings)).join('\n  '))
  return config
}

function describe({ path, detail, value }: FieldIssue, settings: ReadonlyMap<string, string>): string {
  const name = optionOf(path)
  if (path === 'dataset' && value !== undefined)
    return `--dataset is ${JSON.stringify(value)}: expected a folder or archive on this machine, or the id of a dataset on the server ("trainyard datasets ls")`
  const text = path.startsWith('config.') ? settings.get(path.slice(7)) : undefined
  const seen = text === undefined ? value : text
  return seen === undefined ? `${name} ${detail}` : `${name} is ${JSON.stringify(seen)}: it ${detail}`
}

const OPTIONS: Readonly<Record<string, string>> = {
  taskType: '--task',
  exportFormat: '--format',
  trainer: 'TRAINER',
  idempotencyKey: '--key',
  maxRetries: '--retries',
  deadlineSeconds: '--deadline',
}

/** The option that a field of a request is written with. */
export function optionOf(path: string): string {
  if (path.startsWith('config.')) return `--set ${path.slice(7)}`
  return OPTIONS[path] ?? `--${path}`
}
