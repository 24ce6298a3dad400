import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { nameRun, type OperationRecord, type Upload } from '../compliance/record.ts'
import { unpack } from '../compliance/unpack.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Also inside another text. */
const PASSWD = /(?<!\w)root:[^:\n]{0,200}:0:0:/
const PRIVATE_KEY = /-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY-----/
const HEX = /^(?:[0-9a-f]{2}){8,}$/i
const BASE64 = /^[\w+/-]{8,}={0,2}$/
/** Longest file of the machine that is compared. */
const MAX_BYTES = 1024 * 1024
const MIN_BYTES = 8

export const uploadsOnlyResults: ComplianceRule = {
  code: 'TY303',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY303'),
  help: 'Upload only what the job produced: checkpoints, exports, predictions, plots and logs.',
  check({ operations }) {
    const system = readSystemFiles()
    return operations.flatMap((run) => [
      ...run.uploads.flatMap((upload) => {
        const what = describeLeak(upload, system)
        if (what === undefined) return []
        const message = `${nameRun(run)}: the ${upload.kind} "${upload.name}" is ${what}`
        return [{ message, subject: `${nameRun(run)} ${upload.kind}` }]
      }),
      ...describeTexts(run),
    ])
  },
}

function describeLeak({ sizeBytes, sha256, head }: Upload, system: ReadonlyMap<string, string>): string | undefined {
  if (sizeBytes < MIN_BYTES) return undefined
  const file = system.get(sha256)
  if (file !== undefined) return `the file ${file} of the machine`
  for (const content of contentsOf(head.subarray(0, MAX_BYTES))) {
    const same = system.get(createHash('sha256').update(content).digest('hex'))
    if (same !== undefined) return `the file ${same} of the machine`
    const found = nameOfText(content.toString('latin1'))
    if (found !== undefined) return found
  }
  return undefined
}

/** Who reads a log sees what is in it, as in a file. */
function describeTexts(run: OperationRecord) {
  const texts = {
    'the output': run.output.join('\n'),
    'the journal': run.events.map(({ body }) => JSON.stringify(body)).join('\n'),
  }
  return Object.entries(texts).flatMap(([where, text]) => {
    const found = nameOfText(text)
    if (found === undefined) return []
    return [{ message: `${nameRun(run)}: ${where} contains ${found}`, subject: `${nameRun(run)} ${where}` }]
  })
}

function nameOfText(text: string): string | undefined {
  if (PASSWD.test(text)) return 'a list of users of the machine'
  return PRIVATE_KEY.test(text) ? 'a private key' : undefined
}

/** The bytes of a file, and what they are an encoding of. */
function contentsOf(head: Uint8Array): Buffer[] {
  const bytes = Buffer.from(head)
  const text = bytes.toString('latin1').replace(/\s+/g, '')
  const contents = [bytes]
  if (HEX.test(text)) contents.push(Buffer.from(text, 'hex'))
  else if (BASE64.test(text)) contents.push(Buffer.from(text, 'base64'))
  return contents.flatMap((content) => [content, unpack(content)]).filter((content) => content !== undefined)
}

/** The files of /etc by their digest: what a trainer in a sandbox sees of the machine's own. */
function readSystemFiles(): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of listFolder('/etc')) {
    if (!entry.isFile()) continue
    try {
      const content = readFileSync(`/etc/${entry.name}`)
      if (content.length < MIN_BYTES || content.length > MAX_BYTES) continue
      found.set(createHash('sha256').update(content).digest('hex'), `/etc/${entry.name}`)
    } catch {
      // Of another user.
    }
  }
  return found
}

function listFolder(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
}
