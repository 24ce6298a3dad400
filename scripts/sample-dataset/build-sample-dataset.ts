import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { encode } from 'fast-png'
import { ANNOTATION_FILE, diceDocument, IMAGE_ROOT, type SampleImage } from './dice-document.ts'
import { DIGIT_SIZE, readDigits } from './read-digits.ts'

/** Pictures of every digit a split gets; the sample is balanced. */
const PER_DIGIT = { train: 500, val: 50, test: 100 } as const satisfies Record<SplitName, number>
const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const SPLITS = ['train', 'val', 'test'] as const satisfies readonly SplitName[]
const TOTAL = DIGITS.length * (PER_DIGIT.train + PER_DIGIT.val + PER_DIGIT.test)

export interface BuildSampleDatasetOptions {
  /** Folder of the dataset. Made when absent; rebuilt when incomplete. */
  dir: string
  /** Called with the progress; not called when the dataset already exists. */
  onProgress?(done: number, total: number): void
}

export interface SampleDataset {
  dir: string
  images: number
  splits: Record<SplitName, number>
}

/**
 * Writes the sample dataset, real handwritten digits as 28×28 grey PNG files with DICE annotations, unless it is already
 * complete. Deterministic: same bytes on every machine. The folder appears as a whole or not at all.
 */
export async function buildSampleDataset(options: BuildSampleDatasetOptions): Promise<SampleDataset> {
  const dir = resolve(options.dir)
  const result: SampleDataset = {
    dir,
    images: TOTAL,
    splits: {
      train: PER_DIGIT.train * DIGITS.length,
      val: PER_DIGIT.val * DIGITS.length,
      test: PER_DIGIT.test * DIGITS.length,
    },
  }
  if (await isComplete(dir)) return result

  await mkdir(dirname(dir), { recursive: true })
  const temporary = await mkdtemp(join(dirname(dir), `.${basename(dir)}-`))
  try {
    await writeSample(temporary, options.onProgress)
    await rm(dir, { recursive: true, force: true })
    await rename(temporary, dir)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    // Another process may have finished the same dataset between our check and the rename.
    if (await isComplete(dir)) return result
    throw error
  }
  return result
}

async function isComplete(dir: string): Promise<boolean> {
  try {
    // The folder is renamed into place, so the annotations are whole; pictures may have been deleted since.
    if (!(await stat(join(dir, ANNOTATION_FILE))).isFile()) return false
    return (await readdir(join(dir, IMAGE_ROOT))).length === TOTAL
  } catch {
    return false
  }
}

async function writeSample(dir: string, onProgress: BuildSampleDatasetOptions['onProgress']): Promise<void> {
  const imageDir = join(dir, IMAGE_ROOT)
  await mkdir(imageDir)
  const images: SampleImage[] = []
  for (const digit of DIGITS) {
    const pictures = await readDigits(digit, TOTAL / DIGITS.length)
    const writes: Promise<void>[] = []
    let index = 0
    for (const split of SPLITS) {
      // Runs of neighbours, not every n-th picture: neighbours share a writer, who must not be in two splits.
      for (let i = 0; i < PER_DIGIT[split]; i++) {
        const fileName = `${split}-${digit}-${String(i).padStart(3, '0')}.png`
        images.push({ fileName, digit, split })
        writes.push(writeFile(join(imageDir, fileName), encodePicture(pictures[index++] ?? new Uint8Array())))
      }
    }
    await Promise.all(writes)
    onProgress?.(images.length, TOTAL)
  }
  await writeFile(join(dir, ANNOTATION_FILE), JSON.stringify(diceDocument(images)))
}

function encodePicture(data: Uint8Array): Uint8Array {
  // Stored, not deflated: a file takes one block of the disk either way, and both ends are several times faster.
  return encode({ width: DIGIT_SIZE, height: DIGIT_SIZE, data, depth: 8, channels: 1 }, { zlib: { level: 0 } })
}
