import { createHash } from 'node:crypto'
import type { CreateJobInput, SplitRequest } from '@trainyard/contract'
import { z } from 'zod'
import type { Setting } from '../trainers/settings.ts'
import { t } from '../words/t.ts'
import type { FormIssue } from './form-issues.ts'
import type { JobForm } from './job-form.ts'
import { controlOf, readText, toText } from './setting-control.ts'

const Operation = z.enum(['predict', 'export']).or(z.literal('').transform(() => 'train' as const))
const Other = z.record(z.string(), z.unknown())

/** What the form asks for. `issues` lists what the API cannot be asked for, such as text that is not a number. */
export function toRequest(
  form: JobForm,
  settings: readonly Setting[],
  formId: string,
): { request: CreateJobInput; issues: FormIssue[] } {
  const issues: FormIssue[] = []
  const number = (field: 'priority' | 'retries' | 'hours' | 'train' | 'val' | 'test'): number | undefined => {
    if (form[field].trim() === '') return undefined
    const value = Number(form[field])
    if (Number.isFinite(value)) return value
    issues.push({ field, detail: t('must be a number') })
    return undefined
  }
  const hours = number('hours')
  const operation = Operation.safeParse(form.operation)
  const request: CreateJobInput = {
    trainer: form.version === '' ? form.trainer : `${form.trainer}@${form.version}`,
    operation: operation.success ? operation.data : 'train',
    dataset: form.dataset || undefined,
    split: toSplit(form, number),
    model: form.model || undefined,
    // The API checks it, and names the tasks of the trainer.
    taskType: (form.task || undefined) as CreateJobInput['taskType'],
    config: toConfig(form, settings, issues),
    checkpoint: form.checkpoint.trim() || undefined,
    exportFormat: form.exportFormat || undefined,
    name: form.name.trim() || undefined,
    queue: form.queue.trim() || undefined,
    priority: number('priority'),
    maxRetries: number('retries'),
    deadlineSeconds: hours === undefined ? undefined : Math.round(hours * 3600),
  }
  return { request: { ...request, idempotencyKey: keyOf(formId, request) }, issues }
}

/** A form that is sent twice creates one job; one that was changed in between creates another. */
function keyOf(formId: string, request: CreateJobInput): string {
  const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  return `page-${formId.slice(0, 100)}-${hash.slice(0, 32)}`
}

function toSplit(
  form: JobForm,
  number: (field: 'train' | 'val' | 'test') => number | undefined,
): SplitRequest | undefined {
  if (form.split === '') return undefined
  const share = (field: 'train' | 'val' | 'test') => (number(field) ?? 0) / 100
  return {
    ratios: { train: share('train'), val: share('val'), test: share('test') },
    seed: form.seed || undefined,
    stratify: form.stratify === 'yes' ? true : undefined,
    keep: form.split === 'fill' ? true : undefined,
  }
}

/** Only what differs from the defaults, which the platform fills in. */
function toConfig(form: JobForm, settings: readonly Setting[], issues: FormIssue[]): Record<string, unknown> {
  const config = new Map<string, unknown>()
  const other = form.other.trim() === '' ? { data: {} } : Other.safeParse(parseJson(form.other))
  if (other.data === undefined)
    issues.push({ field: 'other', detail: t('must be a JSON object, such as {example}', { example: '{"name": 1}' }) })
  for (const [name, value] of Object.entries(other.data ?? {})) config.set(name, value)
  for (const setting of settings) {
    const control = controlOf(setting)
    const text = form.config.get(setting.name)
    if (text === undefined || text === toText(control, setting.default)) continue
    const read = readText(control, text)
    if ('problem' in read) issues.push({ field: `config.${setting.name}`, detail: read.problem })
    else if (read.value !== undefined) config.set(setting.name, read.value)
  }
  return Object.fromEntries(config)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
