import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BaseImageError } from '../errors.ts'

/** Layers of base images, kept in a folder from one build to the next. */
export class BlobCache {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** The file with this digest. `fetch` gets it where the cache does not have it, or has other bytes. */
  async get(digest: string, fetch: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    const file = this.#pathOf(digest)
    if ((await digestOfFile(file)) === digest) return file
    return await this.make(digest, async (target) => {
      const hash = createHash('sha256')
      await pipeline(
        Readable.from(await fetch(), { objectMode: false }),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk)
            yield chunk
          }
        },
        createWriteStream(target),
      )
      const got = `sha256:${hash.digest('hex')}`
      if (got !== digest) throw new BaseImageError(`the layer ${digest} arrived with the digest ${got}`)
    })
  }

  /** A file that `write` makes, complete or not at all. The cache keeps it under `key`. */
  async make(key: string, write: (target: string) => Promise<void>): Promise<string> {
    await mkdir(this.#dir, { recursive: true })
    const draft = join(this.#dir, `.draft-${randomUUID()}`)
    try {
      await write(draft)
      await rename(draft, this.#pathOf(key))
    } finally {
      await rm(draft, { force: true })
    }
    return this.#pathOf(key)
  }

  #pathOf(key: string): string {
    return join(this.#dir, key.replace(':', '-'))
  }
}

async function digestOfFile(file: string): Promise<string | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}
