export interface ServerSentEvent {
  /** The last id of the stream so far. Resume with it as `Last-Event-ID`. */
  id: string | undefined
  event: string
  data: string
}

export interface EventStreamHooks {
  /** The server's `retry` field, in ms. */
  onRetry?(milliseconds: number): void
  /** Called for every chunk, comments included. */
  onBytes?(): void
}

/** Parses a byte stream as the WHATWG HTML standard specifies in "Interpreting an event stream". */
export async function* parseEventStream(
  body: ReadableStream<Uint8Array>,
  hooks: EventStreamHooks = {},
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let id: string | undefined
  let event = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      hooks.onBytes?.()
      text += decoder.decode(value, { stream: true })
      // A CR at the end of a chunk may be the first half of a CRLF.
      const lines = text.split(/\r\n|\n|\r(?!$)/)
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        const field = colon === -1 ? line : line.slice(0, colon)
        const content = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'data') data.push(content)
        else if (field === 'event') event = content
        else if (field === 'id' && !content.includes('\0')) id = content
        else if (field === 'retry' && /^\d+$/.test(content)) hooks.onRetry?.(Number(content))
      }
    }
  } finally {
    // Closes the connection, also when the consumer stops early.
    await reader.cancel().catch(() => undefined)
  }
}
