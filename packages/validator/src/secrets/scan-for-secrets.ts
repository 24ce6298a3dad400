import { lintSource } from '@secretlint/core'
import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import type { TrainerFolder } from '../trainer-folder.ts'

/** A secret that was found. The value is not included. */
interface FoundSecret {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly subject: string
}

/** A file that was not searched. */
interface UnscannedFile {
  readonly file: string
  readonly reason: string
}

export interface SecretScan {
  readonly secrets: readonly FoundSecret[]
  readonly skipped: readonly UnscannedFile[]
}

// This rule lets comments disable the search of their file, so it is left out.
const COMMENT_FILTER = '@secretlint/secretlint-rule-filter-comments'
const CONFIG = {
  rules: rules.filter((rule) => rule.meta.id !== COMMENT_FILTER).map((rule) => ({ id: rule.meta.id, rule })),
}

/** As in git, a file with NUL bytes in this part is binary. */
const BINARY_PROBE_BYTES = 8000

const scans = new WeakMap<TrainerFolder, Promise<SecretScan>>()

/** Searches the text files of a folder for secrets. The result is cached, because two rules use it. */
export function scanForSecrets(folder: TrainerFolder): Promise<SecretScan> {
  let scan = scans.get(folder)
  if (!scan) {
    scan = scanFolder(folder)
    scans.set(folder, scan)
  }
  return scan
}

async function scanFolder(folder: TrainerFolder): Promise<SecretScan> {
  const { maxScanBytes, maxScanTotalBytes } = folder.limits
  const secrets: FoundSecret[] = []
  const skipped: UnscannedFile[] = []
  let scannedBytes = 0
  for (const { path, sizeBytes } of folder.files) {
    folder.signal?.throwIfAborted()
    if (sizeBytes === 0) continue
    if (sizeBytes > maxScanBytes) {
      skipped.push({
        file: path,
        reason: `too large (${sizeBytes} bytes; the limit is ${maxScanBytes})`,
      })
      continue
    }
    if (scannedBytes + sizeBytes > maxScanTotalBytes) {
      skipped.push({ file: path, reason: `${maxScanTotalBytes} bytes of other files were searched already` })
      continue
    }
    const bytes = await folder.readBytes(path, maxScanBytes)
    const text = bytes && decodeText(bytes)
    if (text === undefined) {
      skipped.push({ file: path, reason: bytes ? 'binary' : 'the file cannot be read' })
      continue
    }
    scannedBytes += sizeBytes
    try {
      secrets.push(...(await scanText(path, text)))
    } catch {
      skipped.push({ file: path, reason: 'the search failed' })
    }
  }
  return { secrets, skipped }
}

function decodeText(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  return bytes.subarray(0, BINARY_PROBE_BYTES).includes(0) ? undefined : bytes.toString('utf8')
}

async function scanText(path: string, content: string): Promise<FoundSecret[]> {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const ext = name.includes('.') ? name.slice(name.lastIndexOf('.')) : ''
  const result = await lintSource({
    source: { filePath: `/trainer/${path}`, content, ext, contentType: 'text' },
    options: { config: CONFIG, maskSecrets: true, noPhysicFilePath: false },
  })
  return result.messages.map((message) => ({
    file: path,
    line: message.loc.start.line,
    column: message.loc.start.column + 1,
    // The message of the rule is not used, because it may quote the text around the secret.
    message: `found a secret: ${describeKind(message.messageId)} (value not shown)`,
    subject: `${message.ruleId} ${message.messageId}`,
  }))
}

/** `GITHUB_TOKEN` and `PostgreSQLConnection` as words. */
function describeKind(messageId: string): string {
  return messageId
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
}
