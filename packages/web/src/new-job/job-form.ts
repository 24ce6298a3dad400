import type { Job } from '@trainyard/contract'
import type { Setting } from '../trainers/settings.ts'
import { controlOf, toText } from './setting-control.ts'

/** The fields of the form but the settings, which are `config.NAME`. */
const FIELDS = [
  'trainer',
  'version',
  'dataset',
  'name',
  'model',
  'task',
  'preset',
  'split',
  'train',
  'val',
  'test',
  'seed',
  'stratify',
  'operation',
  'checkpoint',
  'exportFormat',
  'queue',
  'priority',
  'retries',
  'hours',
  'other',
] as const
type FieldName = (typeof FIELDS)[number]

/** What is typed in the form, as text. The same names are used in the address of the page and in the body of the form. */
export interface JobForm extends Record<FieldName, string> {
  /** Settings by name. A setting that is absent has its default. */
  config: Map<string, string>
}

const SETTING = 'config.'
/** Longer than every field of the API. What is cut here is refused there. */
const MAX_LENGTH = 20_000

export function readForm(params: URLSearchParams): JobForm {
  const text = (name: string) => (params.get(name) ?? '').slice(0, MAX_LENGTH)
  const config = new Map<string, string>()
  for (const [name, value] of params) {
    if (name.startsWith(SETTING)) config.set(name.slice(SETTING.length), value.slice(0, MAX_LENGTH))
  }
  const fields = Object.fromEntries(FIELDS.map((name) => [name, text(name)])) as Record<FieldName, string>
  return { ...fields, config }
}

/** The address at which the form is filled with what was typed. What is empty, and defaults, are left out. */
export function addressOf(form: JobForm, settings: readonly Setting[]): string {
  const params = new URLSearchParams()
  for (const name of FIELDS) if (form[name] !== '') params.set(name, form[name])
  for (const setting of settings) {
    const text = form.config.get(setting.name)
    if (text !== undefined && text !== toText(controlOf(setting), setting.default))
      params.set(SETTING + setting.name, text)
  }
  return `/jobs/new?${params}`
}

/** The form that creates a job like an earlier one. */
export function formOfJob(job: Job, settings: readonly Setting[]): JobForm {
  const values = new Map([...Object.entries(job.config.basic), ...Object.entries(job.config.advanced)])
  const config = new Map<string, string>()
  for (const setting of settings) {
    if (values.has(setting.name)) config.set(setting.name, toText(controlOf(setting), values.get(setting.name)))
  }
  const ratios = job.split !== undefined && 'ratios' in job.split ? job.split : undefined
  const percent = (share: number | undefined) => (share === undefined ? '' : String(Number((share * 100).toFixed(4))))
  return {
    trainer: job.trainer.name,
    version: job.trainer.version,
    dataset: versionName(job.dataset),
    name: job.name ?? '',
    model: job.model,
    task: job.operation === 'train' ? '' : job.taskType,
    preset: '',
    split: ratios === undefined ? '' : ratios.keep === true ? 'fill' : 'new',
    train: percent(ratios?.ratios.train),
    val: percent(ratios?.ratios.val),
    test: percent(ratios?.ratios.test),
    seed: ratios?.seed ?? '',
    stratify: ratios?.stratify === true ? 'yes' : '',
    operation: job.operation === 'train' ? '' : job.operation,
    checkpoint: job.checkpoint ?? '',
    exportFormat: job.exportFormat ?? '',
    queue: job.queue,
    priority: job.priority === 0 ? '' : String(job.priority),
    retries: job.maxRetries === 0 ? '' : String(job.maxRetries),
    hours: job.deadlineSeconds === undefined ? '' : String(job.deadlineSeconds / 3600),
    other: otherOf(job, settings),
    config,
  }
}

/** Settings that the schema does not name, as JSON. */
function otherOf(job: Job, settings: readonly Setting[]): string {
  const known = new Set(settings.map(({ name }) => name))
  const given = [...Object.entries(job.config.basic), ...Object.entries(job.config.advanced)]
  const others = given.filter(([name]) => !known.has(name))
  return others.length === 0 ? '' : JSON.stringify(Object.fromEntries(others))
}

/** The version that the job used, also when the dataset has newer ones. */
function versionName(dataset: Job['dataset']): string {
  if (dataset === undefined) return ''
  return dataset.version === undefined ? dataset.id : `${dataset.id}@${dataset.version}`
}
