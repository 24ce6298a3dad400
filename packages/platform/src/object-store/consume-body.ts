import { createHash } from 'node:crypto'
import { createThreadHash, type ThreadHash } from '../system/hash-threads.ts'
import type { ObjectBody } from './object-store.ts'

type HashAlgorithm = 'sha256' | 'sha512'

interface ConsumeOptions {
  /** Default: SHA-256. */
  algorithms?: readonly HashAlgorithm[] | undefined
  /** Stores the bytes, which must not be used after it resolves. Default: they are only hashed. */
  write?: ((bytes: Uint8Array) => Promise<unknown>) | undefined
  /** A short body is returned as `held` instead of written, so that the caller can write it with what follows. */
  holdShort?: boolean | undefined
  /** Called with the number of bytes that have come. What it throws ends the reading. */
  onBytes?: ((sizeBytes: number) => void) | undefined
}

interface Consumed {
  sizeBytes: number
  /** Hex, of each algorithm. */
  digests: Readonly<Record<string, string>>
  held?: readonly Uint8Array[] | undefined
}

/** Shorter bodies are hashed at once, in about a millisecond, and written in one piece: other threads answer later. */
const SMALL_BYTES = 1024 * 1024
/** A body in more pieces is copied at once: a sender can choose them so small that each costs more than its bytes. */
const MAX_CHUNKS = 512
const PIECE_BYTES = 1024 * 1024
/** Of one body: one piece is filled while the others are hashed and written. */
const MIN_PIECES = 3
/** On busy processors each thread waits for its turn, and has more to do in it. */
const MAX_PIECES = 8
/** Above this number of all bodies, none gets more than the least. */
const SHARED_PIECES = 40
/** Pieces that are kept for the next body. */
const MAX_KEPT = 12

const kept: SharedArrayBuffer[] = []
let inUse = 0

/** Reads a body once: hashes it in another thread while `write` stores it, in large pieces. */
export async function consumeBody(body: ObjectBody, options: ConsumeOptions = {}): Promise<Consumed> {
  const { algorithms = ['sha256'], write = async () => {}, onBytes = () => {}, holdShort = false } = options
  const first: Uint8Array[] = []
  let sizeBytes = 0
  let pieces: Pieces | undefined
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      sizeBytes += chunk.byteLength
      onBytes(sizeBytes)
      if (pieces !== undefined) {
        await pieces.add(chunk)
        continue
      }
      first.push(chunk)
      if (sizeBytes <= SMALL_BYTES && first.length < MAX_CHUNKS) continue
      pieces = new Pieces(algorithms, write)
      for (const held of first.splice(0)) await pieces.add(held)
    }
    if (pieces !== undefined) return { sizeBytes, digests: await pieces.end() }
  } finally {
    await pieces?.close()
  }
  if (sizeBytes > 0 && !holdShort && options.write !== undefined) await write(Buffer.concat(first))
  const digests = Object.fromEntries(algorithms.map((algorithm) => [algorithm, digestOf(first, algorithm)]))
  return { sizeBytes, digests, held: holdShort ? first : undefined }
}

function digestOf(chunks: readonly Uint8Array[], algorithm: HashAlgorithm): string {
  const hash = createHash(algorithm)
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

class Pieces {
  readonly #hashes: ReadonlyMap<string, ThreadHash>
  readonly #write: (bytes: Uint8Array) => Promise<unknown>
  readonly #free: SharedArrayBuffer[] = []
  readonly #busy = new Set<Promise<void>>()
  #count = 0
  #current: Uint8Array | undefined
  #filled = 0
  /** Writes happen one after the other. */
  #written: Promise<unknown> = Promise.resolve()
  #failure: { error: unknown } | undefined
  #ended = false

  constructor(algorithms: readonly HashAlgorithm[], write: (bytes: Uint8Array) => Promise<unknown>) {
    this.#hashes = new Map(algorithms.map((algorithm) => [algorithm, createThreadHash(algorithm)]))
    this.#write = write
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.byteLength; ) {
      const current = this.#current ?? (await this.#nextPiece())
      this.#current = current
      const part = chunk.subarray(offset, offset + current.byteLength - this.#filled)
      current.set(part, this.#filled)
      this.#filled += part.byteLength
      offset += part.byteLength
      if (this.#filled === current.byteLength) this.#send(current, current)
    }
  }

  async end(): Promise<Record<string, string>> {
    if (this.#current !== undefined) this.#send(this.#current, this.#current.subarray(0, this.#filled))
    await Promise.all(this.#busy)
    if (this.#failure !== undefined) throw this.#failure.error
    this.#ended = true
    const digests = [...this.#hashes].map(async ([algorithm, hash]) => [algorithm, await hash.digest()] as const)
    return Object.fromEntries(await Promise.all(digests))
  }

  /** Waits until nothing uses the pieces. */
  async close(): Promise<void> {
    await Promise.all(this.#busy)
    if (!this.#ended) for (const hash of this.#hashes.values()) hash.abandon()
    if (this.#current !== undefined) this.#free.push(this.#current.buffer as SharedArrayBuffer)
    inUse -= this.#count
    kept.push(...this.#free.splice(0, MAX_KEPT - kept.length))
  }

  async #nextPiece(): Promise<Uint8Array> {
    const isLeft = this.#count < MIN_PIECES || (this.#count < MAX_PIECES && inUse < SHARED_PIECES)
    if (!isLeft && this.#free.length === 0) await Promise.race(this.#busy)
    if (this.#failure !== undefined) throw this.#failure.error
    const free = this.#free.pop()
    if (free !== undefined) return new Uint8Array(free)
    this.#count++
    inUse++
    return new Uint8Array(kept.pop() ?? new SharedArrayBuffer(PIECE_BYTES))
  }

  #send(piece: Uint8Array, bytes: Uint8Array): void {
    this.#current = undefined
    this.#filled = 0
    this.#written = this.#written.then(() => (this.#failure === undefined ? this.#write(bytes) : undefined))
    const hashed = [...this.#hashes.values()].map((hash) => hash.update(bytes))
    // Both must have ended before the piece is used again, also when one fails.
    const work = Promise.allSettled([this.#written, ...hashed]).then((results) => {
      for (const result of results) if (result.status === 'rejected') this.#failure ??= { error: result.reason }
      this.#free.push(piece.buffer as SharedArrayBuffer)
      this.#busy.delete(work)
    })
    this.#busy.add(work)
  }
}
