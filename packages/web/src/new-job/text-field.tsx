import type { JobForm } from './job-form.ts'
import { describedBy, Problem } from './setting-field.tsx'

interface TextFieldProps {
  form: JobForm
  problemOf: (field: string) => string | undefined
  name: Exclude<keyof JobForm, 'config'>
  label: string
  type?: 'text' | 'number'
  maxlength?: number
  hint: string
}

export function TextField({ form, problemOf, name, label, type = 'text', maxlength, hint }: TextFieldProps) {
  const id = `job-${name}`
  const problem = problemOf(name)
  const value = form[name]
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Problem id={id} text={problem} />
      <input
        id={id}
        name={name}
        type={type === 'number' && Number.isFinite(Number(value)) ? 'number' : 'text'}
        step={type === 'number' ? 'any' : undefined}
        value={value}
        maxlength={maxlength}
        dir="auto"
        aria-describedby={describedBy(id, problem !== undefined)}
        aria-invalid={problem && 'true'}
      />
      <p class="muted" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  )
}
