import { formatBytes } from '../format.ts'
import { t } from '../words/t.ts'
import { find } from './dom.ts'
import { tarBlob } from './tar-blob.ts'

/** Pauses before an upload starts again while the server is away, in seconds. The last one is repeated. */
const PAUSES = [2, 5, 10, 20, 30]
/** Answers of a proxy, or of a server that is starting. */
const AWAY = new Set([0, 429, 502, 503, 504])

const form = find('upload', HTMLFormElement)
if (form) enableUpload(form)

/** Sends a folder or an archive with its progress. Without scripts, the form sends the archive itself. */
function enableUpload(form: HTMLFormElement): void {
  const name = find('upload-name', HTMLInputElement)
  const folder = find('upload-folder', HTMLInputElement)
  const archive = find('upload-archive', HTMLInputElement)
  const status = find('upload-status', HTMLElement)
  const bar = find('upload-progress', HTMLProgressElement)
  const dataset = find('upload-dataset', HTMLInputElement)?.value
  if (!name || !folder || !archive || !status || !bar) return
  archive.required = false
  for (const input of [folder, archive]) {
    input.addEventListener('change', () => {
      if (input.value !== '') (input === folder ? archive : folder).value = ''
      if (dataset === undefined && name.value === '') name.value = nameOf(input)
    })
  }
  let isSending = false
  addEventListener('beforeunload', (event) => {
    if (isSending) event.preventDefault()
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (isSending) return
    const body = folder.files?.length ? tarOf(folder.files) : archive.files?.[0]
    if (body === undefined || body.size === 0) {
      status.textContent = t('Choose a folder or an archive.')
      return
    }
    isSending = true
    bar.hidden = false
    const query = dataset === undefined ? { name: name.value } : { dataset, message: name.value }
    send(body, new URLSearchParams(query), { status, bar })
      .then((next) => {
        isSending = false
        if (next !== undefined) location.href = next
        bar.hidden = next === undefined
      })
      .catch(() => {
        isSending = false
      })
  })
}

function nameOf(input: HTMLInputElement): string {
  const [file] = input.files ?? []
  const path = file?.webkitRelativePath || file?.name || ''
  return (path.split('/')[0] ?? '').replace(/\.(zip|tar|tgz|tar\.gz)$/i, '').slice(0, 200)
}

function tarOf(files: FileList): Blob {
  const entries = [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
  return tarBlob(entries.filter(({ path }) => !path.endsWith('/.DS_Store')))
}

interface Shown {
  status: HTMLElement
  bar: HTMLProgressElement
}

/** The address of the next page. Undefined when the server refused the archive. */
async function send(body: Blob, query: URLSearchParams, { status, bar }: Shown): Promise<string | undefined> {
  for (let tries = 0; ; tries++) {
    const answer = await put(body, query, (sent) => {
      bar.value = sent / body.size
      const isDone = sent >= body.size
      status.textContent = isDone
        ? t('Checking the images …')
        : t('{sent} of {total}', { sent: formatBytes(sent), total: formatBytes(body.size) })
    })
    if (answer.next !== undefined) return answer.next
    if (!AWAY.has(answer.code)) {
      status.textContent =
        answer.problem ?? t('The server refused the upload with the status {status}.', { status: answer.code })
      return undefined
    }
    const seconds = PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 30
    status.textContent = t(
      'The server does not respond. The upload starts again in {seconds} seconds; keep this page open.',
      { seconds },
    )
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
}

interface Answer {
  /** Status of the response. 0 without one. */
  code: number
  next?: string | undefined
  problem?: string | undefined
}

/** `fetch` reports no progress of a body. */
function put(body: Blob, query: URLSearchParams, onProgress: (sentBytes: number) => void): Promise<Answer> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.open('PUT', `/datasets/upload?${query}`)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded))
    request.addEventListener('load', () => {
      // Sent by our own server.
      const answer = request.response as { next?: string; problem?: string } | null
      resolve({ code: request.status, next: answer?.next, problem: answer?.problem })
    })
    request.addEventListener('error', () => resolve({ code: 0 }))
    request.send(body)
  })
}
