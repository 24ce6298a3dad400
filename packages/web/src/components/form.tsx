import type { Child } from 'hono/jsx'

export interface FieldProps {
  /** Also the id of the input, so it must be unique on the page. */
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

/** An action that cannot be undone: a dialog asks first. Without scripts the button acts at once. */
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
              Cancel
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
