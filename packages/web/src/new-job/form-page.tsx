import type { Dataset, TaskType } from '@trainyard/contract'
import type { Child } from 'hono/jsx'
import { apiWord, apiWords } from '../components/api-word.ts'
import { Layout } from '../components/layout.tsx'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import type { Setting } from '../trainers/settings.ts'
import { Sentence } from '../words/sentence.tsx'
import { t, translate } from '../words/t.ts'
import type { FormData } from './form-data.ts'
import type { FormIssue } from './form-issues.ts'
import type { JobForm } from './job-form.ts'
import { describedBy, Problem, SettingField } from './setting-field.tsx'
import { SplitFields } from './split-fields.tsx'
import { TextField } from './text-field.tsx'

export interface FormPageProps {
  assetUrl: (name: string) => string
  form: JobForm
  data: FormData
  /** Sent with the form, so that one that is sent twice creates one job. */
  formId: string
  issues: readonly FormIssue[]
  /** Why the job was not created, if no field explains it. */
  problem: string | undefined
  /** The job that fills the form. */
  from: number | undefined
}

export function FormPage({ assetUrl, form, data, formId, issues, problem, from }: FormPageProps) {
  const { trainer, settings } = data
  const ids = new Map(settings.map(({ name }, index) => [`config.${name}`, `setting-${index}`]))
  const problemOf = (field: string) =>
    issues.find((issue) => issue.field === field || issue.field.startsWith(`${field}.`))?.detail
  const title =
    from === undefined ? t('Train with {name}', { name: trainer.displayName }) : t('Run job {id} again', { id: from })
  return (
    <Layout assetUrl={assetUrl} title={title} section="jobs" scripts={['new-job.js']}>
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {t('New')}
        </p>
        <h1>{title}</h1>
        <p class="lead">{trainer.description}</p>
      </div>
      <Problems issues={issues} problem={problem} ids={ids} />
      <form class="job-form" method="post" action="/jobs/new" id="new-job">
        <input type="hidden" name="formId" value={formId} />
        <input type="hidden" name="trainer" value={form.trainer} />
        <input type="hidden" name="operation" value={form.operation} />
        {/* The first button of a form is the one that Enter presses. */}
        <button type="submit" hidden>
          {t('Start')}
        </button>
        <TrainerFields form={form} data={data} problemOf={problemOf} />
        <DatasetField form={form} data={data} problem={problemOf('dataset')} />
        <Settings form={form} data={data} ids={ids} problemOf={problemOf} />
        <SplitFields form={form} dataset={data.datasets.find(({ id }) => id === form.dataset)} problemOf={problemOf} />
        <MoreFields form={form} data={data} problemOf={problemOf} />
        <p class="job-form-end">
          <button type="submit">{t('Start')}</button>
        </p>
      </form>
    </Layout>
  )
}

interface FieldsProps {
  form: JobForm
  data: FormData
  problemOf: (field: string) => string | undefined
}

const FIELD_NAMES: Readonly<Record<string, string>> = {
  exportFormat: 'Export format',
  hours: 'Time limit',
  other: 'Other settings',
  seed: 'Seed',
  test: 'Test',
  train: 'Training',
  val: 'Validation',
}
const FORM_FIELDS = new Set(
  'version dataset name model task preset train val test seed checkpoint exportFormat queue priority retries hours other'.split(
    ' ',
  ),
)

/** Announced at once. Each problem leads to its field. */
function Problems({ issues, problem, ids }: Pick<FormPageProps, 'issues' | 'problem'> & { ids: Map<string, string> }) {
  if (issues.length === 0 && problem === undefined) return null
  const targetOf = (field: string) => {
    const setting = [...ids].find(([name]) => field === name || field.startsWith(`${name}.`))
    if (setting !== undefined) return setting[1]
    return FORM_FIELDS.has(field) ? `job-${field}` : undefined
  }
  return (
    <div class="form-problem" role="alert">
      <p>
        <strong>{t('The job was not started.')}</strong> {problem}
      </p>
      {issues.length > 0 && (
        <ul>
          {issues.map(({ field, detail }) => {
            const target = targetOf(field)
            const known = FIELD_NAMES[field]
            const name = known === undefined ? field.replace(/^config\./, '') : t(known)
            return (
              <li>
                {target === undefined ? <bdi>{name}</bdi> : <a href={`#${target}`}>{name}</a>} {detail}
              </li>
            )
          })}
        </ul>
      )}
    </div>
  )
}

function Group({ id, title, children }: { id: string; title: string; children?: Child }) {
  return (
    <fieldset class="job-group" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </fieldset>
  )
}

function TrainerFields({ form, data, problemOf }: FieldsProps) {
  const { trainer, version, versions, manifest } = data
  const models = manifest.models
  return (
    <Group id="job-trainer-title" title={t('Trainer')}>
      <p>
        <a href={withQuery(`/trainers/${trainer.name}`, { version })}>{trainer.name}</a>{' '}
        <a class="change" href={withQuery('/jobs/new', { dataset: form.dataset })}>
          {t('Choose another')}
        </a>
      </p>
      {problemOf('trainer') !== undefined && <p class="field-problem">{problemOf('trainer')}</p>}
      <div class="fields">
        <div class="field">
          <label for="job-version">{t('Version')}</label>
          <Problem id="job-version" text={problemOf('version')} />
          <div class="with-button">
            <select id="job-version" name="version" data-shows="version">
              {!versions.includes(version) && <option value={version}>{version}</option>}
              {versions.map((one) => (
                <option value={one} selected={one === version}>
                  {one}
                </option>
              ))}
            </select>
            <button class="quiet" type="submit" name="show" value="version" formnovalidate>
              {t('Show its settings')}
            </button>
          </div>
        </div>
        {models.length > 1 && (
          <Select
            name="model"
            label={t('Model')}
            value={form.model}
            problem={problemOf('model')}
            empty={t('The first that fits the task')}
            options={models.map(({ name, displayName, taskTypes }) => ({
              value: name,
              label: `${displayName ?? name} (${apiWords(taskTypes)})`,
            }))}
          />
        )}
        {manifest.taskTypes.length > 1 && (
          <Select
            name="task"
            label={t('Task')}
            value={form.task}
            problem={problemOf('task')}
            empty={t('The task of the dataset')}
            options={manifest.taskTypes.map((value) => ({ value, label: apiWord(value) }))}
          />
        )}
        {form.operation === 'export' && (
          <Select
            name="exportFormat"
            label={t('Export format')}
            value={form.exportFormat}
            problem={problemOf('exportFormat')}
            empty={t('Choose a format')}
            options={manifest.exportFormats.map((value) => ({ value, label: value }))}
          />
        )}
      </div>
    </Group>
  )
}

interface SelectProps {
  name: string
  label: string
  value: string
  problem: string | undefined
  /** What no choice means. */
  empty: string
  options: readonly { value: string; label: string }[]
}

function Select({ name, label, value, problem, empty, options }: SelectProps) {
  const id = `job-${name}`
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Problem id={id} text={problem} />
      <select id={id} name={name} aria-describedby={problem && `${id}-problem`} aria-invalid={problem && 'true'}>
        <option value="">{empty}</option>
        {value !== '' && !options.some((option) => option.value === value) && (
          <option value={value} selected>
            {value}
          </option>
        )}
        {options.map((option) => (
          <option value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  )
}

function DatasetField({ form, data, problem }: { form: JobForm; data: FormData; problem: string | undefined }) {
  const fits = ({ taskType }: Dataset) => (data.manifest.taskTypes as TaskType[]).includes(taskType)
  const [fitting, others] = [data.datasets.filter(fits), data.datasets.filter((one) => !fits(one))]
  const label = ({ name, counts, taskType }: Dataset) =>
    `${name} · ${plural(counts.images, '{count} image', '{count} images')} · ${apiWord(taskType)}`
  return (
    <Group id="job-dataset-title" title={t('Dataset')}>
      <div class="field">
        <label class="visually-hidden" for="job-dataset">
          {t('Dataset')}
        </label>
        <Problem id="job-dataset" text={problem} />
        <select
          id="job-dataset"
          name="dataset"
          required={form.operation !== 'export'}
          aria-describedby={describedBy('job-dataset', problem !== undefined)}
          aria-invalid={problem && 'true'}
        >
          <option value="">{t('Choose a dataset')}</option>
          {form.dataset !== '' && !data.datasets.some(({ id }) => id === form.dataset) && (
            <option value={form.dataset} selected>
              {form.dataset}
            </option>
          )}
          {fitting.map((dataset) => (
            <option value={dataset.id} selected={dataset.id === form.dataset}>
              {label(dataset)}
            </option>
          ))}
          {others.length > 0 && (
            <optgroup label={t('Of another task')}>
              {others.map((dataset) => (
                <option
                  value={dataset.id}
                  selected={dataset.id === form.dataset}
                  disabled={dataset.id !== form.dataset}
                >
                  {label(dataset)}
                </option>
              ))}
            </optgroup>
          )}
        </select>
        <p class="muted" id="job-dataset-hint">
          {data.datasets.length === 0 ? (
            <Sentence text="You have no dataset yet. {link}" link={<a href="/datasets">{t('Upload one')}</a>} />
          ) : (
            [
              t('For {tasks}.', { tasks: apiWords(data.manifest.taskTypes) }),
              data.moreDatasets ? t('The newest 200 are listed.') : '',
            ].join(' ')
          )}
        </p>
      </div>
    </Group>
  )
}

/** More fields than a person fills in. The others are JSON. */
const MAX_SETTINGS = 300

function Settings({ form, data, ids, problemOf }: FieldsProps & { ids: Map<string, string> }) {
  const settings = data.settings.slice(0, MAX_SETTINGS)
  const presets = Object.keys(data.manifest.config.presets)
  const fields = (list: readonly Setting[]) => (
    <div class="fields">
      {list.map((setting) => (
        <SettingField
          id={ids.get(`config.${setting.name}`) ?? setting.name}
          setting={setting}
          text={form.config.get(setting.name)}
          problem={problemOf(`config.${setting.name}`)}
        />
      ))}
    </div>
  )
  const groups = (list: readonly Setting[], heading: (group: string) => Child) =>
    [...new Set(list.map(({ group }) => group))].map((group) => (
      <>
        {heading(group)}
        {fields(list.filter((setting) => setting.group === group))}
      </>
    ))
  const [plain, advanced] = [settings.filter((one) => !one.advanced), settings.filter((one) => one.advanced)]
  const isChanged = ({ name }: Setting) => problemOf(`config.${name}`) !== undefined
  return (
    <Group id="job-settings-title" title={t('Settings')}>
      {presets.length > 0 && (
        <div class="field preset">
          <label for="job-preset">{t('Preset')}</label>
          <Problem id="job-preset" text={problemOf('preset')} />
          <div class="with-button">
            <select id="job-preset" name="preset" data-shows="preset">
              <option value="">{t('None')}</option>
              {presets.map((name) => (
                <option value={name} selected={name === form.preset}>
                  {name}
                </option>
              ))}
            </select>
            <button class="quiet" type="submit" name="show" value="preset" formnovalidate>
              {t('Fill in its settings')}
            </button>
          </div>
        </div>
      )}
      {plain.length === 0 && advanced.length === 0 && <p class="muted">{t('This trainer declares no settings.')}</p>}
      {groups(plain, (group) => (group === 'Basic' ? null : <h3>{translate(group)}</h3>))}
      <details class="fold" open={advanced.some(isChanged) || problemOf('other') !== undefined}>
        <summary>{t('Advanced settings ({count})', { count: formatCount(advanced.length) })}</summary>
        {groups(advanced, (group) => (group === 'Advanced' ? null : <h3>{translate(group)}</h3>))}
        <div class="field">
          <label for="job-other">{t('Other settings, as JSON')}</label>
          <Problem id="job-other" text={problemOf('other')} />
          <textarea
            id="job-other"
            name="other"
            rows={2}
            spellcheck={false}
            aria-describedby={describedBy('job-other', problemOf('other') !== undefined)}
          >
            {form.other}
          </textarea>
          <p class="muted" id="job-other-hint">
            <Sentence text="Settings that have no field, such as {code}" code={<code>{'{"name": 1}'}</code>} />
          </p>
        </div>
      </details>
    </Group>
  )
}

function MoreFields({ form, problemOf }: FieldsProps) {
  const fields = ['name', 'checkpoint', 'queue', 'priority', 'retries', 'hours'] as const
  const isOpen = fields.some((name) => problemOf(name) !== undefined || (form[name] !== '' && name !== 'queue'))
  const field = { form, problemOf }
  return (
    <details class="fold" open={isOpen}>
      <summary>{t('Name, queue and limits')}</summary>
      <div class="fields">
        <TextField {...field} name="name" label={t('Name')} maxlength={200} hint={t('How the job is listed')} />
        <TextField
          {...field}
          name="checkpoint"
          label={t('Checkpoint')}
          hint={t('The id of a checkpoint to start from. Empty: from the beginning')}
        />
        <TextField {...field} name="queue" label={t('Queue')} maxlength={63} hint={t('Empty: the default queue')} />
        <TextField
          {...field}
          name="priority"
          label={t('Priority')}
          type="number"
          hint={t('-100 to 100; higher runs first')}
        />
        <TextField
          {...field}
          name="retries"
          label={t('Retries')}
          type="number"
          hint={t('How often a failed job starts again, 0 to 20')}
        />
        <TextField
          {...field}
          name="hours"
          label={t('Time limit')}
          type="number"
          hint={t('Hours for each attempt. Empty: none')}
        />
      </div>
    </details>
  )
}
