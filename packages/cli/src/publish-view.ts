import type { PublishProgress, PublishResult } from '@trainyard/client/files'
import type { Check, CheckResult, Finding } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from './command.ts'
import { cleanText, createPaint, drawBar } from './terminal.ts'

/** How a publication is told to whoever started it. */
export interface PublishView {
  progress(progress: PublishProgress): void
  pushed(result: PublishResult): void
  /** Called with the whole check each time something changed: says only what is new. */
  check(check: Check): void
  verdict(check: Check): void
}

/** Lines for people: a bar on a terminal, a line each tenth elsewhere. */
export function createTextView({ stdout, env }: CliIo): PublishView {
  const paint = createPaint(stdout, env)
  const isTerminal = stdout.isTTY === true
  let barShown = false
  let tenth = 0
  const statuses = new Map<string, CheckResult['status']>()
  const told = new Set<string>()

  function say(line: string): void {
    if (barShown) stdout.write('\r\u001b[2K')
    barShown = false
    stdout.write(`${line}\n`)
  }

  function drawUpload(sentBytes: number, totalBytes: number): void {
    if (isTerminal) {
      stdout.write(`\r\u001b[2K${drawBar(sentBytes, totalBytes, stdout.columns)}`)
      barShown = true
      return
    }
    const reached = Math.floor((sentBytes / totalBytes) * 10)
    if (reached <= tenth) return
    tenth = reached
    say(`Uploading: ${reached * 10} % of ${formatBytes(totalBytes)}`)
  }

  function sayFinding(finding: Finding): void {
    const style = finding.severity === 'error' ? 'red' : finding.severity === 'warning' ? 'yellow' : 'dim'
    const line = finding.line === undefined ? '' : `:${finding.line}`
    const where = finding.file === undefined ? '' : ` ${finding.file}${line}`
    say(cleanText(`    ${paint(style, `${finding.severity} ${finding.code}`)}${where}: ${finding.message}`))
    say(cleanText(`      ${paint('dim', `${finding.help} ${finding.docsUrl}`)}`))
  }

  return {
    progress(progress) {
      switch (progress.type) {
        case 'packing':
          say(`Packing ${progress.files} files, ${formatBytes(progress.sizeBytes)}`)
          break
        case 'packed':
          say(`Packed: ${formatBytes(progress.archiveBytes)}, ${progress.digest}`)
          break
        case 'uploading':
          drawUpload(progress.sentBytes, progress.totalBytes)
          break
        case 'exists':
          say(
            progress.what === 'version'
              ? 'The registry has this very version already'
              : 'The registry has these bytes already',
          )
          break
        case 'warning':
          say(`${paint('yellow', 'warning')}: ${cleanText(progress.text)}`)
          break
        case 'pushed':
          break
      }
    },
    pushed: ({ name, version, digest }) => say(`Pushed ${paint('bold', `${name}@${version}`)}, ${digest}`),
    check(check) {
      for (const result of check.checks) {
        if (statuses.get(result.name) !== result.status && result.status !== 'waiting') {
          statuses.set(result.name, result.status)
          const style = result.status === 'passed' ? 'green' : result.status === 'failed' ? 'red' : 'dim'
          const reason = result.reason === undefined ? '' : `: ${cleanText(result.reason)}`
          say(`  ${paint(style, result.status.padEnd(8))} ${cleanText(result.name)}${reason}`)
        }
        for (const finding of result.findings) {
          const key = `${result.name} ${finding.fingerprint}`
          if (told.has(key)) continue
          told.add(key)
          sayFinding(finding)
        }
      }
    },
    verdict(check) {
      const good = check.state !== 'rejected'
      say(`${paint(good ? 'green' : 'red', check.state)}: ${cleanText(check.trainer)}@${cleanText(check.version)}`)
    },
  }
}

/** Nothing on the way: the caller prints one document at the end. */
export const silentView: PublishView = { progress() {}, pushed() {}, check() {}, verdict() {} }
