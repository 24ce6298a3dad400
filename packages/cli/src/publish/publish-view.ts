import type { PublishProgress, PublishResult } from '@trainyard/client/files'
import type { Check, CheckResult, Finding } from '@trainyard/contract'
import { formatBytes, formatDuration, formatTrust } from '@trainyard/contract/format'
import type { CliIo } from '../command-line/io.ts'
import { createPaint, type Paint } from '../terminal/paint.ts'
import { createByteProgress, type Progress } from '../terminal/progress.ts'
import { StatusLine } from '../terminal/status-line.ts'
import { cleanText, plural } from '../terminal/text.ts'

/** Shows the steps of a publication. */
export interface PublishView {
  progress(progress: PublishProgress): void
  pushed(result: PublishResult): void
  /** Called with the whole check after each change. Shows only what is new. */
  check(check: Check): void
  verdict(check: Check): void
}

/** Shows nothing, for `--json`. */
const silentView: PublishView = { progress() {}, pushed() {}, check() {}, verdict() {} }

/** The view of a command: nothing with `--json`, and only findings and the verdict with `--quiet`. */
export function viewOf(io: CliIo, json: boolean): PublishView {
  return json ? silentView : new TextView(io)
}

/** Shows lines of text, and a bar for the upload. */
class TextView implements PublishView {
  readonly #status: StatusLine
  readonly #paint: Paint
  readonly #statuses = new Map<string, CheckResult['status']>()
  readonly #shownFindings = new Set<string>()
  readonly #shownWork = new Map<string, string>()
  readonly #isQuiet: boolean
  #upload: Progress | undefined

  constructor({ stdout, env, isQuiet = false }: CliIo) {
    this.#isQuiet = isQuiet
    this.#status = new StatusLine(stdout)
    this.#paint = createPaint(stdout, env)
  }

  progress(progress: PublishProgress): void {
    if (this.#isQuiet) return
    switch (progress.type) {
      case 'packing':
        this.#status.print(`Packing ${progress.files} files, ${formatBytes(progress.sizeBytes)}`)
        break
      case 'packed':
        this.#status.print(`Packed: ${formatBytes(progress.archiveBytes)}, ${progress.digest}`)
        break
      case 'uploading':
        this.#upload ??= createByteProgress(this.#status, 'Uploading', progress.totalBytes)
        this.#upload.update(progress.sentBytes)
        break
      case 'exists':
        this.#status.print(`The registry already has this ${progress.what}`)
        break
      case 'warning':
        this.#status.print(`${this.#paint('yellow', 'warning')}: ${cleanText(progress.text)}`)
        break
      case 'pushed':
        break
    }
  }

  pushed({ name, version, digest, checkId }: PublishResult): void {
    if (this.#isQuiet) return
    this.#status.print(`Pushed ${this.#paint('bold', `${name}@${version}`)}, ${digest}`)
    if (checkId !== undefined) this.#status.print(`Its checks: trainyard checks ${checkId}`)
  }

  check({ checks }: Check): void {
    for (const result of checks) {
      if (!this.#isQuiet) {
        this.#showStatus(result)
        this.#showWork(result)
      }
      for (const finding of result.findings) {
        const key = `${result.name} ${finding.fingerprint}`
        if (this.#shownFindings.has(key)) continue
        this.#shownFindings.add(key)
        this.#showFinding(finding)
      }
      const { omittedFindings = 0 } = result
      if (omittedFindings === 0 || this.#shownFindings.has(`${result.name} omitted`)) continue
      this.#shownFindings.add(`${result.name} omitted`)
      this.#status.print(`    ${plural(omittedFindings, 'more finding')} not shown, the least severe ones`)
    }
  }

  verdict({ state, trainer, version, trust }: Check): void {
    const style = state === 'rejected' ? 'red' : 'green'
    this.#status.print(`${this.#paint(style, state)}: ${cleanText(trainer)}@${cleanText(version)}`)
    if (trust !== undefined) this.#status.print(`  ${cleanText(formatTrust(trust))}`)
  }

  #showStatus({ name, status, reason, durationMs, notes = [] }: CheckResult): void {
    if (status === 'waiting' || this.#statuses.get(name) === status) return
    this.#statuses.set(name, status)
    const style = status === 'passed' ? 'green' : status === 'failed' ? 'red' : 'dim'
    const more = reason === undefined ? '' : `: ${cleanText(reason)}`
    const took = durationMs === undefined || status === 'skipped' ? '' : ` (${formatDuration(durationMs)})`
    this.#status.print(`  ${this.#paint(style, status.padEnd(8))} ${cleanText(name)}${took}${more}`)
    for (const note of notes)
      if (note.startsWith('not sandboxed')) this.#status.print(`    ${this.#paint('red', cleanText(note))}`)
  }

  /** The current work of a running check. Its progress changes too often for lines of text. */
  #showWork({ name, status, progress }: CheckResult): void {
    const what = status === 'running' ? progress?.what : undefined
    if (what === undefined || progress?.unit !== 'steps' || this.#shownWork.get(name) === what) return
    this.#shownWork.set(name, what)
    this.#status.print(`    ${this.#paint('dim', cleanText(what))}`)
  }

  #showFinding({ severity, code, file, line, message, help, docsUrl, suppressed }: Finding): void {
    const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim'
    const place = file === undefined ? '' : ` ${cleanText(file)}${line === undefined ? '' : `:${line}`}`
    const label = this.#paint(style, `${suppressed ? 'suppressed ' : ''}${severity} ${cleanText(code)}`)
    this.#status.print(`    ${label}${place}: ${cleanText(message)}`)
    this.#status.print(`      ${this.#paint('dim', cleanText(`${help} ${docsUrl}`))}`)
  }
}
