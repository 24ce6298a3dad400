import type { Child } from 'hono/jsx'
import { t } from '../words/t.ts'

export interface FieldProps {
  /** Also the id of the input, so it must be unique on the page. */
  name: string
  label: string
  type?: 'text' | 'email' | 'password' | 'date'
  value?: string | undefined
  hint?: string
  autocomplete?: string
  required?: boolean
  minlength?: number
  maxlength?: number
  pattern?: string
  placeholder?: string
  /** The submitted value was rejected. */
  invalid?: boolean
}

export function Field({ name, label, type = 'text', hint, invalid, ...input }: FieldProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        aria-describedby={hint === undefined ? undefined : `${name}-hint`}
        aria-invalid={invalid ? 'true' : undefined}
        {...input}
      />
      {hint !== undefined && (
        <p class="muted" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

export interface TextAreaProps {
  name: string
  /** Unique on the page. Default: the name. */
  id?: string
  label: string
  value?: string | undefined
  minlength?: number
  maxlength: number
  rows?: number
}

/** A required text of several lines. */
export function TextArea({ name, id = name, label, value, rows = 3, ...limits }: TextAreaProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea id={id} name={name} rows={rows} required {...limits}>
        {value}
      </textarea>
    </div>
  )
}

/** Why a form was rejected. Announced by screen readers at once. */
export function FormProblem({ text }: { text: string | undefined }) {
  if (text === undefined) return null
  return (
    <p class="form-problem" role="alert">
      {text}
    </p>
  )
}

/** The action that was just completed. */
export function Note({ children }: { children?: Child }) {
  return (
    <div class="note" role="status">
      {children}
    </div>
  )
}

export interface AskFirstProps {
  /** Id of the {@link ConfirmDialog}, which has the form that acts. */
  dialog: string
  /** On the button. */
  verb: string
  /** What the action applies to, for screen readers. Default: the button's text says enough. */
  subject?: string | undefined
  look?: 'quiet' | 'danger'
}

/** A button that opens a dialog: it changes nothing itself. Without scripts, the page shows the dialog as the target of its address. */
export function AskFirst({ dialog, verb, subject, look = 'danger' }: AskFirstProps) {
  return (
    <form method="get" action={`#${dialog}`} data-confirm={dialog}>
      <button type="submit" class={look} aria-label={subject === undefined ? undefined : `${verb}: ${subject}`}>
        {verb}
      </button>
    </form>
  )
}

export interface ConfirmDialogProps {
  /** Unique on the page. */
  id: string
  action: string
  /** On the button that acts. */
  verb: string
  question: string
  /** On the button that changes nothing. */
  keep?: string
  /** Default: danger. */
  look?: 'danger' | 'plain'
  /** Inputs of the form. */
  fields?: Child
  children?: Child
}

/** The question before an action, with the only form that acts. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { id, action, verb, question, keep = t('Cancel'), look = 'danger', fields, children } = props
  return (
    <dialog id={id} aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
      <h2 id={`${id}-title`}>{question}</h2>
      <div id={`${id}-text`}>{children}</div>
      <div class="dialog-actions">
        <form method="dialog">
          <button type="submit" class="quiet">
            {keep}
          </button>
        </form>
        <a class="unscripted" href="#main">
          {keep}
        </a>
        <form method="post" action={action}>
          {fields}
          <button type="submit" class={look === 'danger' ? 'danger' : undefined}>
            {verb}
          </button>
        </form>
      </div>
    </dialog>
  )
}

export interface ConfirmedFormProps {
  /** Unique on the page. */
  id: string
  action: string
  /** On the button. */
  verb: string
  /** What the action applies to, for screen readers. */
  subject: string
  question: string
  children?: Child
}

/** An action that cannot be undone: a dialog asks first. */
export function ConfirmedForm({ id, action, verb, subject, question, children }: ConfirmedFormProps) {
  return (
    <>
      <AskFirst dialog={id} verb={verb} subject={subject} />
      <ConfirmDialog id={id} action={action} verb={verb} question={question}>
        {children}
      </ConfirmDialog>
    </>
  )
}
