import type { Setting } from '../trainers/settings.ts'
import { t } from '../words/t.ts'
import { type Control, controlOf, toText } from './setting-control.ts'

interface SettingFieldProps {
  id: string
  setting: Setting
  /** Undefined: the default. */
  text: string | undefined
  problem: string | undefined
}

export function SettingField({ id, setting, text, problem }: SettingFieldProps) {
  const control = controlOf(setting)
  const name = `config.${setting.name}`
  const shown = text ?? toText(control, setting.default)
  return (
    <div class="field">
      <label for={id}>
        <bdi>{setting.title ?? setting.name}</bdi>
        {setting.title !== undefined && (
          <>
            {' '}
            <code>{setting.name}</code>
          </>
        )}
      </label>
      <Problem id={id} text={problem} />
      <Input id={id} name={name} control={control} text={shown} invalid={problem !== undefined} />
      <p class="muted" id={`${id}-hint`}>
        {hintOf(setting, control)}
      </p>
    </div>
  )
}

/** What is wrong with a field, above its input. */
export function Problem({ id, text }: { id: string; text: string | undefined }) {
  if (text === undefined) return null
  return (
    <p class="field-problem" id={`${id}-problem`}>
      {text}
    </p>
  )
}

export function describedBy(id: string, invalid: boolean): string {
  return invalid ? `${id}-problem ${id}-hint` : `${id}-hint`
}

interface InputProps {
  id: string
  name: string
  control: Control
  text: string
  invalid: boolean
}

function Input({ id, name, control, text, invalid }: InputProps) {
  const common = {
    id,
    name,
    'aria-describedby': describedBy(id, invalid),
    'aria-invalid': invalid ? 'true' : undefined,
  }
  switch (control.kind) {
    case 'choice': {
      // What was sent and is no choice stays visible, so that it can be corrected.
      const isKnown = text === '' || control.choices.some(({ value }) => value === text)
      return (
        <select {...common}>
          {(control.optional || text === '') && (
            <option value="" selected={text === ''}>
              {t('The default')}
            </option>
          )}
          {!isKnown && (
            <option value={text} selected>
              {text}
            </option>
          )}
          {control.choices.map(({ value, label }) => (
            <option value={value} selected={value === text}>
              {label}
            </option>
          ))}
        </select>
      )
    }
    case 'number': {
      const { min, max, step } = control
      // An input of numbers shows no other text, which would then be lost.
      const type = text === '' || Number.isFinite(Number(text)) ? 'number' : 'text'
      return <input {...common} type={type} value={text} min={min} max={max} step={step} inputmode="decimal" />
    }
    case 'text':
      return <input {...common} type="text" value={text} maxlength={control.maxLength} dir="auto" />
    case 'json':
      return control.long || text.length > 60 ? (
        <textarea {...common} rows={3} spellcheck={false} dir="auto">
          {text}
        </textarea>
      ) : (
        <input {...common} type="text" value={text} dir="auto" />
      )
  }
}

function hintOf(setting: Setting, control: Control): string {
  const facts = [
    setting.description,
    control.kind === 'choice' ? undefined : setting.type.replace('integer', t('whole number')),
    control.kind === 'choice' ? undefined : setting.range,
    defaultOf(setting, control),
  ]
  return facts.filter((fact) => fact !== undefined && fact !== '').join(' · ')
}

function defaultOf({ defaultValue }: Setting, control: Control): string | undefined {
  if (defaultValue === undefined) return undefined
  const chosen = control.kind === 'choice' ? control.choices.find(({ value }) => value === defaultValue) : undefined
  return t('default {value}', { value: (chosen?.label ?? defaultValue).slice(0, 200) })
}
