import { createReadStream, createWriteStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SplitName } from '@trainyard/contract'
import { createTarPacker, type TarHeader } from 'modern-tar'
import { splitExtension } from '../../files/split-extension.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'

/** A shard is closed when it has this many images or bytes, as in WebDataset's own examples. */
const SHARD_IMAGES = 10_000
const SHARD_BYTES = 1_000_000_000

/**
 * Writes shards `{split}-000000.tar`: for each image its file, a JSON file of the same key with its objects, and for
 * classification a `.cls` file with the number of its class. `classes.txt` has the names.
 */
export function createWebDatasetWriter(context: WriteContext): DatasetWriter {
  return new WebDatasetWriter(context)
}

class WebDatasetWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #names: string[]
  readonly #outputNames = createOutputNames()
  readonly #shards = new Map<SplitName | undefined, Shard>()

  constructor(context: WriteContext) {
    this.#context = context
    this.#names = nameClasses(context, toSingleLine)
  }

  async image(record: ImageRecord): Promise<void> {
    const { report, options } = this.#context
    const shard = await this.#shardFor(record.split)
    const { stem, extension } = splitExtension(record.path)
    // The key ends at the first dot of the name.
    const undotted = stem.replaceAll('.', '_')
    if (undotted !== stem) report.lose('image-renamed', `${record.path}: a key has no dots`)
    const key = splitExtension(this.#outputNames.next(`${undotted}${extension}`, record.split)).stem
    const objects = record.annotations.filter((annotation) => !this.#isSkipped(annotation, record))
    const size = findRecordSize(record)
    if (size === undefined) report.lose('image-size-unknown', record.path)
    if (options.task === 'classification') {
      const [first] = objects
      if (first === undefined) report.lose('image-unlabelled', record.path)
      else await shard.add(`${key}.cls`, Buffer.from(String(first.classId)))
    }
    const document = { path: record.path, ...size, objects: objects.map((object) => this.#toObject(object)) }
    await shard.add(`${key}.json`, Buffer.from(JSON.stringify(document)))
    if (options.images === 'copy') {
      if (record.file === undefined) await copyImage(record, '', this.#context)
      else if (!(await shard.addFile(`${key}${extension.toLowerCase()}`, record.file)))
        report.lose('image-missing-file', record.path)
    }
    shard.images++
    report.wrote(
      record.split,
      objects.map(({ classId }) => classId),
    )
  }

  async finish(): Promise<void> {
    for (const shard of this.#shards.values()) await shard.close()
    await writeFile(join(this.#context.target, 'classes.txt'), this.#names.map((name) => `${name}\n`).join(''))
  }

  abort(): void {
    for (const shard of this.#shards.values()) shard.abort()
  }

  async #shardFor(split: SplitName | undefined): Promise<Shard> {
    const open = this.#shards.get(split)
    if (open !== undefined && open.images < SHARD_IMAGES && open.bytes < SHARD_BYTES) return open
    await open?.close()
    const number = open === undefined ? 0 : open.number + 1
    const name = `${split ?? 'all'}-${String(number).padStart(6, '0')}.tar`
    const shard = new Shard(join(this.#context.target, name), number)
    this.#shards.set(split, shard)
    return shard
  }

  #isSkipped({ isCrowd }: Annotation, { path }: ImageRecord): boolean {
    const { options, report } = this.#context
    if (!isCrowd || options.crowd === 'keep') return false
    report.lose('crowd-skipped', path)
    return true
  }

  /** All that is known of an object: JSON holds every shape. */
  #toObject({ classId, rle, ...others }: Annotation): Record<string, unknown> {
    const mask = rle && { size: [rle.height, rle.width], counts: rle.counts }
    return { class: this.#names[classId], classId, ...others, rle: mask }
  }
}

/** A tar file that is written while entries are added. It depends on their names and bytes only. */
class Shard {
  readonly number: number
  readonly #packer = createTarPacker()
  readonly #written: Promise<void>
  images = 0
  bytes = 0

  constructor(path: string, number: number) {
    this.number = number
    // The type of web streams in Node's declarations is another one than in those of the browser.
    this.#written = pipeline(Readable.from(this.#packer.readable), createWriteStream(path))
    // Reported by `close`.
    this.#written.catch(() => {})
  }

  async add(name: string, bytes: Uint8Array): Promise<void> {
    const entry = this.#packer.controller.add(headerOf(name, bytes.length)).getWriter()
    if (bytes.length > 0) await entry.write(bytes)
    await entry.close()
    this.bytes += bytes.length
  }

  /** False when the file does not exist. */
  async addFile(name: string, file: string): Promise<boolean> {
    const stats = await stat(file).catch(() => undefined)
    if (stats === undefined) return false
    const entry = this.#packer.controller.add(headerOf(name, stats.size)).getWriter()
    for await (const chunk of createReadStream(file)) {
      const bytes: Buffer = chunk
      await entry.write(bytes)
    }
    await entry.close()
    this.bytes += stats.size
    return true
  }

  async close(): Promise<void> {
    this.#packer.controller.finalize()
    await this.#written
  }

  abort(): void {
    this.#packer.controller.error(new Error('The conversion was aborted'))
  }
}

function headerOf(name: string, size: number): TarHeader {
  const header: TarHeader = { name, type: 'file', size, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }
  // POSIX defines the encoding of a path only in a pax header.
  if (/[^ -~]/.test(name)) header.pax = { path: name }
  return header
}
