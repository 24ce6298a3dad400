import type { Socket } from 'node:net'
import { NetworkError } from '@trainyard/contract/trainer-errors'

// As in transport.ts: an import would load what nobody needs at every start.
const net = process.getBuiltinModule('node:net')

export interface ResponseHead {
  status: number
  /** Names in lower case; a name that came twice has the last value. */
  headers: Record<string, string>
}

/** Takes bytes of a body as they come. They are only valid during the call: the buffer is used again. */
export type BodySink = (bytes: Buffer) => void

/** A body that this client does not read: it belongs to the ordinary one. */
export class UnreadableAnswer extends Error {}

/** More than fits a kernel's socket buffer; one for each connection. */
const BUFFER_BYTES = 256 * 1024
const MAX_HEAD_BYTES = 64 * 1024
const HEAD_END = Buffer.from('\r\n\r\n')

interface Exchange {
  onHead: (head: ResponseHead) => BodySink | undefined
  resolve: (head: ResponseHead) => void
  reject: (error: unknown) => void
}

/**
 * One kept-alive HTTP/1.1 connection that only downloads: GET, one at a time, bodies with a length. The kernel's bytes go into
 * one buffer and from there to their place; with `node:http` 300 MB take three times the CPU, and a small file twice.
 */
export class LeanConnection {
  readonly #socket: Socket
  readonly #host: string
  #head: Buffer[] = []
  #found: ResponseHead | undefined
  #sink: BodySink | undefined
  #left = 0
  #exchange: Exchange | undefined
  #isClosed = false
  /** Whether an answer came over it: then a reset on the next request says nothing about the server. */
  wasUsed = false

  constructor(url: URL, idleTimeoutMs: number) {
    this.#host = url.host
    const onread = {
      buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
      callback: (count: number, bytes: Uint8Array) => {
        this.#read(bytes.subarray(0, count) as Buffer)
        return true
      },
    }
    this.#socket = net.connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true, onread })
    this.#socket.setTimeout(idleTimeoutMs, () => {
      this.#fail(new NetworkError(`${url.host} was silent for ${idleTimeoutMs} ms`))
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })))
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /** Resolves when the body was read to its end. Without a sink from `onHead` the rest is thrown away. */
  get(url: URL, headers: Readonly<Record<string, string>>, onHead: Exchange['onHead']): Promise<ResponseHead> {
    return new Promise((resolve, reject) => {
      this.#exchange = { onHead, resolve, reject }
      this.#socket.ref()
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}\r\n`)
    })
  }

  /** Waiting for nothing, it keeps no process alive. */
  rest(): void {
    this.#socket.unref()
  }

  close(reason: unknown = new NetworkError(`The connection to ${this.#host} was closed`)): void {
    this.#fail(reason)
  }

  #fail(reason: unknown): void {
    this.#isClosed = true
    this.#socket.destroy()
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.reject(reason)
  }

  #read(bytes: Buffer): void {
    // Bytes that nobody asked for: what they belong to is anyone's guess.
    if (this.#exchange === undefined) {
      this.#fail(new NetworkError(`${this.#host} spoke out of turn`))
      return
    }
    try {
      const body = this.#found === undefined ? this.#readHead(bytes) : bytes
      if (body !== undefined) this.#readBody(body)
    } catch (error) {
      this.#fail(error)
    }
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    // Copied only when a head comes in pieces.
    const all = this.#head.length === 0 ? bytes : Buffer.concat([...this.#head, bytes])
    const end = all.indexOf(HEAD_END)
    if (end < 0) {
      if (all.length > MAX_HEAD_BYTES) throw new NetworkError(`${this.#host} answered with an endless head`)
      this.#head = [Buffer.from(all)]
      return undefined
    }
    this.#head = []
    const head = parseHead(all.toString('latin1', 0, end), this.#host)
    const rest = all.subarray(end + HEAD_END.length)
    if (head.status < 200) return rest.length === 0 ? undefined : this.#readHead(rest)
    const length = head.status === 204 || head.status === 304 ? '0' : head.headers['content-length']
    if (length === undefined || !/^\d+$/.test(length) || head.headers['transfer-encoding'] !== undefined) {
      throw new UnreadableAnswer()
    }
    this.#found = head
    this.#left = Number(length)
    this.#sink = this.#exchange?.onHead(head)
    return rest
  }

  #readBody(bytes: Buffer): void {
    const own = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    if (own.length > 0) this.#sink?.(own)
    this.#left -= own.length
    if (this.#left > 0) return
    const [head, exchange] = [this.#found, this.#exchange]
    this.#found = this.#sink = this.#exchange = undefined
    this.wasUsed = true
    const isKept = own.length === bytes.length && head?.headers.connection?.toLowerCase() !== 'close'
    if (!isKept) this.#fail(undefined)
    if (head !== undefined) exchange?.resolve(head)
  }
}

function parseHead(text: string, host: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n')
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(first) ?? []
  if (status === undefined) throw new NetworkError(`${host} does not speak HTTP/1.1`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { status: Number(status), headers }
}
