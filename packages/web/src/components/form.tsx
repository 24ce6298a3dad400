import type { Child } from 'hono/jsx'

export interface FieldProps {
  /** Also the id: one form of a kind a page. */
  name: string
  label: string
  type?: 'text' | 'email' | 'password'
  value?: string | undefined
  hint?: string
  autocomplete?: string
  required?: boolean
  minlength?: number
  maxlength?: number
  pattern?: string
  /** What was sent cannot be taken. */
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

/** Why a form was not taken; read out at once. */
export function FormProblem({ text }: { text: string | undefined }) {
  if (text === undefined) return null
  return (
    <p class="form-problem" role="alert">
      {text}
    </p>
  )
}

/** What has just been done. */
export function Note({ children }: { children?: Child }) {
  return (
    <div class="note" role="status">
      {children}
    </div>
  )
}

export interface ConfirmedFormProps {
  /** Unique on the page. */
  id: string
  action: string
  /** On the button. */
  verb: string
  /** What it is done to, for those who do not see the row. */
  subject: string
  question: string
  children?: Child
}

/** A deed that cannot be undone: a dialog asks first. Without scripts the button does it. */
export function ConfirmedForm({ id, action, verb, subject, question, children }: ConfirmedFormProps) {
  return (
    <>
      <form method="post" action={action} data-confirm={id}>
        <button type="submit" class="danger" aria-label={`${verb}: ${subject}`}>
          {verb}
        </button>
      </form>
      <dialog id={id} aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
        <h2 id={`${id}-title`}>{question}</h2>
        <div id={`${id}-text`}>{children}</div>
        <div class="dialog-actions">
          <form method="dialog">
            <button type="submit" class="quiet">
              Not now
            </button>
          </form>
          <form method="post" action={action}>
            <button type="submit" class="danger">
              {verb}
            </button>
          </form>
        </div>
      </dialog>
    </>
  )
}
