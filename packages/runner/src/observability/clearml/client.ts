import { z } from 'zod'
import { BackendError, requestText, rethrow } from '../http.ts'
import type { ClearmlConfig } from './config.ts'

const Login = z.object({ data: z.object({ token: z.string() }) })

/** Calls ClearML's API: `POST {host}/{service}.{action}`. The content of a response is in its `data`. */
export class ClearmlClient {
  readonly #config: ClearmlConfig
  readonly #origin: string
  #token: string | undefined

  constructor(config: ClearmlConfig) {
    this.#config = config
    this.#origin = config.apiHost.replace(/\/+$/, '')
  }

  async call<T>(method: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const text = await this.#send(method, JSON.stringify(body), 'application/json', signal).catch(rethrow)
    return z.object({ data: schema }).parse(JSON.parse(text)).data as z.infer<typeof schema>
  }

  /** `events.add_batch` expects one JSON object in each line. */
  async addEvents(events: readonly object[], signal: AbortSignal): Promise<void> {
    const lines = events.map((event) => JSON.stringify(event)).join('\n')
    await this.#send('events.add_batch', lines, 'application/json-lines', signal).catch(rethrow)
  }

  async #send(method: string, body: string, contentType: string, signal: AbortSignal): Promise<string> {
    const send = async () => {
      this.#token ??= await this.#login(signal)
      const headers = { authorization: `Bearer ${this.#token}`, 'content-type': contentType }
      return await requestText(`${this.#origin}/${method}`, { headers, body, signal })
    }
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof BackendError) || error.status !== 401 || this.#token === undefined) throw error
      // A token expires after some days.
      this.#token = undefined
      return await send()
    }
  }

  async #login(signal: AbortSignal): Promise<string> {
    const { accessKey, secretKey } = this.#config
    const basic = Buffer.from(`${accessKey}:${secretKey}`).toString('base64')
    const text = await requestText(`${this.#origin}/auth.login`, {
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
      body: '{}',
      signal,
    })
    return Login.parse(JSON.parse(text)).data.token
  }
}
