import type { Dataset } from '@trainyard/contract'
import { formatCount } from '../format.ts'
import { t } from '../words/t.ts'
import type { JobForm } from './job-form.ts'
import { TextField } from './text-field.tsx'

interface SplitFieldsProps {
  form: JobForm
  /** The chosen one, to show what the split does. */
  dataset: Dataset | undefined
  problemOf: (field: string) => string | undefined
}

const CHOICES = [
  ['', 'As the dataset has it, or by the name of each image'],
  ['fill', 'New, for the images to which the dataset assigns none'],
  ['new', 'New, for all images'],
] as const

export function SplitFields({ form, dataset, problemOf }: SplitFieldsProps) {
  const parts = ['train', 'val', 'test'] as const
  const isOpen = form.split !== '' || [...parts, 'seed'].some((name) => problemOf(name) !== undefined)
  const images = dataset?.counts.images
  const shares = form.train === '' && form.val === '' && form.test === ''
  const filled = shares ? { ...form, train: '80', val: '10', test: '10' } : form
  const field = { form: filled, problemOf }
  return (
    <details class="fold" open={isOpen}>
      <summary>{t('Split into training, validation and test')}</summary>
      <fieldset class="choices">
        <legend class="visually-hidden">{t('Split')}</legend>
        {CHOICES.map(([value, label]) => (
          <label>
            <input type="radio" name="split" value={value} checked={form.split === value} /> {t(label)}
          </label>
        ))}
      </fieldset>
      {dataset !== undefined && (
        <p class="muted">
          {t('The dataset has {train} for training, {val} for validation, {test} for test.', {
            train: formatCount(dataset.counts.splits.train),
            val: formatCount(dataset.counts.splits.val),
            test: formatCount(dataset.counts.splits.test),
          })}
        </p>
      )}
      <div class="fields shares" data-images={images}>
        <TextField {...field} name="train" label={t('Training')} type="number" hint={effect(images, filled.train)} />
        <TextField {...field} name="val" label={t('Validation')} type="number" hint={effect(images, filled.val)} />
        <TextField {...field} name="test" label={t('Test')} type="number" hint={effect(images, filled.test)} />
        <TextField {...field} name="seed" label={t('Seed')} maxlength={100} hint={t('Each text gives another split')} />
      </div>
      <label class="check">
        <input type="checkbox" name="stratify" value="yes" checked={form.stratify === 'yes'} />{' '}
        {t('The same shares in every class')}
      </label>
    </details>
  )
}

function effect(images: number | undefined, percent: string): string {
  const share = Number(percent)
  if (images === undefined || percent === '' || !Number.isFinite(share)) return t('Per cent')
  return t('Per cent: about {images} images', { images: formatCount(Math.round((images * share) / 100)) })
}
