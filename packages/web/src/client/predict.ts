import { formatBytes } from '../format.ts'
import { t } from '../words/t.ts'
import { find, parseElement } from './dom.ts'

const MAX_BYTES = 20 * 1024 ** 2
/** Pause after a lost connection. */
const RETRY_MS = 2000

const form = find('picture-form', HTMLFormElement)
const threshold = find('threshold', HTMLInputElement)
if (form) enablePictures(form)
threshold?.addEventListener('input', applyThreshold)
followTry()

/** Sends a picture as soon as it is dropped, pasted or chosen. Without scripts, the form sends it. */
function enablePictures(form: HTMLFormElement): void {
  const input = find('picture', HTMLInputElement)
  const status = find('picture-status', HTMLElement)
  const address = form.dataset.send
  if (!input || !status || address === undefined) return
  const take = (file: File | undefined) => {
    if (file === undefined) return
    void send(address, file, status)
  }
  input.addEventListener('change', () => take(input.files?.[0]))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (input.files?.[0] === undefined) status.textContent = t('Choose a picture.')
    take(input.files?.[0])
  })
  addEventListener('paste', (event) => take(event.clipboardData?.files[0]))
  addEventListener('dragover', (event) => {
    event.preventDefault()
    form.classList.add('over')
  })
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) form.classList.remove('over')
  })
  addEventListener('drop', (event) => {
    event.preventDefault()
    form.classList.remove('over')
    take(event.dataTransfer?.files[0])
  })
}

let sending = 0

async function send(address: string, file: File, status: HTMLElement): Promise<void> {
  if (file.size > MAX_BYTES) {
    status.textContent = t('{name} has {size}; the limit is {limit}.', {
      name: file.name,
      size: formatBytes(file.size),
      limit: formatBytes(MAX_BYTES),
    })
    return
  }
  const mine = ++sending
  status.textContent = t('Sending …')
  try {
    const response = await fetch(`${address}?name=${encodeURIComponent(file.name)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: file,
    })
    const answer: { id?: string; problem?: string } = await response.json().catch(() => ({}))
    // A later picture has replaced this one.
    if (mine !== sending) return
    if (answer.id === undefined) {
      status.textContent =
        answer.problem ?? t('The picture was not accepted ({status}). Try again.', { status: response.status })
      return
    }
    status.textContent = ''
    history.replaceState(null, '', `?try=${encodeURIComponent(answer.id)}`)
    await show(`${address}/${encodeURIComponent(answer.id)}/part`, mine)
  } catch {
    status.textContent = t('The server cannot be reached. Check the connection and try again.')
  }
}

/** Asks for the part of the page until its picture is predicted. The server answers when something is known. */
async function show(part: string, mine: number): Promise<void> {
  while (mine === sending) {
    const answer = await fetch(`${part}?threshold=${threshold?.value ?? 0}`).catch(() => undefined)
    if (mine !== sending) return
    const next = answer?.ok ? parseElement(await answer.text()) : undefined
    if (next instanceof HTMLElement) {
      document.getElementById('try')?.replaceWith(next)
      applyThreshold()
      if (next.dataset.state !== 'waiting') return
    } else await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/** A page that was opened while its picture waits. */
function followTry(): void {
  const { state, part } = document.getElementById('try')?.dataset ?? {}
  if (state === 'waiting' && part !== undefined) void show(part, sending)
}

function applyThreshold(): void {
  if (!threshold) return
  const lowest = Number(threshold.value)
  const output = find('threshold-value', HTMLOutputElement)
  if (output) output.value = `${Math.round(lowest * 100)} %`
  for (const element of document.querySelectorAll('#try [data-confidence]'))
    element.classList.toggle('below', Number(element.getAttribute('data-confidence')) < lowest)
}
