import { t } from '../words/t.ts'

const KEY = 'typed'
/** The pages between a form whose session has ended and the form again. */
const BETWEEN = new Set(['/sign-in', '/sign-up'])
const KEPT_TYPES = new Set([
  'text',
  'email',
  'search',
  'url',
  'number',
  'date',
  'checkbox',
  'radio',
  'textarea',
  'select-one',
])

interface Typed {
  /** Where the form posts to. */
  action: string
  fields: [name: string, value: string, checked: boolean][]
  /** Whether the answer was the sign-in page. */
  interrupted: boolean
}

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/**
 * What was typed in a form is put back after signing in, when the session ended while the form was filled. It stays in this
 * tab, and without passwords and files.
 */
export function keepTyped(): void {
  const typed = read()
  if (typed !== undefined && BETWEEN.has(location.pathname)) write({ ...typed, interrupted: true })
  else if (typed?.interrupted) putBack(typed)
  else write(undefined)
  // After those that send a form by script or ask first.
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== 'post') return
    const fields = controlsOf(form).map((control): Typed['fields'][number] => [
      control.name,
      control.value,
      isChecked(control),
    ])
    if (fields.length > 0 && !BETWEEN.has(location.pathname))
      write({ action: form.getAttribute('action') ?? '', fields, interrupted: false })
  })
}

function putBack({ action, fields }: Typed): void {
  const form = [...document.forms].find((one) => one.method === 'post' && one.getAttribute('action') === action)
  // The viewer opens another page first.
  if (form === undefined) return
  write(undefined)
  const left = [...fields]
  for (const control of controlsOf(form)) {
    const at = left.findIndex(
      ([name, value]) => name === control.name && (!isChoice(control) || value === control.value),
    )
    const [found] = at < 0 ? [] : left.splice(at, 1)
    if (found === undefined) continue
    if (isChoice(control)) control.checked = found[2]
    else control.value = found[1]
  }
  for (let element = form.parentElement; element; element = element.parentElement)
    if (element instanceof HTMLDetailsElement) element.open = true
  const note = document.createElement('p')
  note.className = 'note'
  note.setAttribute('role', 'status')
  note.textContent = t('Your session had ended. What you typed is still here: send it again.')
  form.prepend(note)
  form.scrollIntoView({ block: 'nearest' })
}

function controlsOf(form: HTMLFormElement): Control[] {
  return [...form.elements].filter(
    (element): element is Control =>
      (element instanceof HTMLInputElement ||
        element instanceof HTMLTextAreaElement ||
        element instanceof HTMLSelectElement) &&
      element.name !== '' &&
      KEPT_TYPES.has(element.type),
  )
}

const isChoice = (control: Control): control is HTMLInputElement =>
  control instanceof HTMLInputElement && (control.type === 'checkbox' || control.type === 'radio')

const isChecked = (control: Control): boolean => isChoice(control) && control.checked

function read(): Typed | undefined {
  try {
    const text = sessionStorage.getItem(KEY)
    return text === null ? undefined : (JSON.parse(text) as Typed)
  } catch {
    // Storage is switched off, or full.
    return undefined
  }
}

function write(typed: Typed | undefined): void {
  try {
    if (typed === undefined) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, JSON.stringify(typed))
  } catch {
    // As without scripts: what was typed is lost with the session.
  }
}
