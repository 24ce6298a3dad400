/** A growing list of numbers in one block of memory, which worker threads can share. */
export class NumberList<T extends Float64Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer>> {
  #values: T
  readonly #create: (length: number) => T
  length = 0

  constructor(create: (length: number) => T) {
    this.#create = create
    this.#values = create(1024)
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = this.#create(this.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length++] = value
  }

  get(index: number): number {
    return this.#values[index] as number
  }

  /** A copy with the exact length of the list. */
  toArray(): T {
    const values = this.#create(this.length)
    values.set(this.#values.subarray(0, this.length))
    return values
  }
}

export const createFloat64 = (length: number): Float64Array<SharedArrayBuffer> =>
  new Float64Array(new SharedArrayBuffer(length * 8))

export const createUint32 = (length: number): Uint32Array<SharedArrayBuffer> =>
  new Uint32Array(new SharedArrayBuffer(length * 4))
