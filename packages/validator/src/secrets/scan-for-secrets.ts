import type { TrainerFolder } from '../trainer-folder.ts'
import { type FoundSecret, findSecrets } from './find-secrets.ts'

interface SecretInFile extends FoundSecret {
  readonly file: string
}

/** A file that was not searched. */
interface UnscannedFile {
  readonly file: string
  readonly reason: string
}

export interface SecretScan {
  readonly secrets: readonly SecretInFile[]
  readonly skipped: readonly UnscannedFile[]
}

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
  const secrets: SecretInFile[] = []
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
    if (bytes === undefined) {
      skipped.push({ file: path, reason: 'the file cannot be read' })
      continue
    }
    const search = await findSecrets(path, bytes)
    if (search.state === 'skipped') {
      skipped.push({ file: path, reason: search.reason })
      continue
    }
    scannedBytes += sizeBytes
    secrets.push(...search.secrets.map((secret) => ({ file: path, ...secret })))
  }
  return { secrets, skipped }
}
