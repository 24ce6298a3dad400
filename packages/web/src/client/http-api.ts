import { t } from '../words/t.ts'
import { find } from './dom.ts'

/** Answers are shown up to this length. */
const MAX_SHOWN = 200_000

const token = find('token', HTMLInputElement)
for (const form of document.querySelectorAll<HTMLFormElement>('form[data-path]'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send(form)
  })

/** Sends the request of a form, and shows the answer below it. */
async function send(form: HTMLFormElement): Promise<void> {
  const output = form.querySelector('output')
  if (output === null) return
  output.textContent = t('Sending …')
  try {
    const response = await fetch(addressOf(form), requestOf(form))
    show(output, `${response.status} ${response.statusText}`, await textOf(response))
  } catch (error) {
    show(output, t('No answer'), error instanceof Error ? error.message : String(error))
  }
}

function fieldsOf(form: HTMLFormElement, place: string): [string, string][] {
  const fields = form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(`[data-in="${place}"]`)
  return [...fields].filter(({ value }) => value !== '').map(({ name, value }) => [name, value])
}

/** Not `form.dataset`, which is the field of that name where the operation has one. */
function attributeOf(form: HTMLFormElement, name: string): string {
  return form.getAttribute(`data-${name}`) ?? ''
}

function addressOf(form: HTMLFormElement): URL {
  let path = attributeOf(form, 'path')
  for (const [name, value] of fieldsOf(form, 'path')) path = path.replace(`{${name}}`, encodeURIComponent(value))
  const url = new URL(path, location.origin)
  for (const [name, value] of fieldsOf(form, 'query')) url.searchParams.append(name, value)
  return url
}

function requestOf(form: HTMLFormElement): RequestInit {
  const headers = new Headers(fieldsOf(form, 'header'))
  if (token !== undefined && token.value !== '') headers.set('authorization', `Bearer ${token.value.trim()}`)
  const [body] = fieldsOf(form, 'body')
  if (body !== undefined) headers.set('content-type', attributeOf(form, 'content-type'))
  return { method: attributeOf(form, 'method'), headers, body: body?.[1] ?? null, credentials: 'omit' }
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text()
  if (!/[/+]json\b/.test(response.headers.get('content-type') ?? '')) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function show(output: Element, status: string, text: string): void {
  const title = document.createElement('strong')
  title.textContent = status
  const body = document.createElement('pre')
  body.textContent = text.slice(0, MAX_SHOWN)
  body.tabIndex = 0
  output.replaceChildren(title, body)
}
