import { expect, test } from 'vitest'
import { parseEventStream, type ServerSentEvent } from './server-sent-events.ts'

test('parses the same events at every chunk size', async () => {
  const bytes = Buffer.from(
    '\uFEFF: comment\r\nid: 1\r\nevent: a\r\ndata: ä1\r\ndata:  2\r\n\r\ndata\n\nretry: 50\nid: x\0y\ndata: last\n\ndata: cut',
  )
  for (let size = 1; size <= bytes.length; size++) {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
    const events: ServerSentEvent[] = []
    let retry = 0
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece)
        controller.close()
      },
    })
    const hooks = {
      onRetry: (milliseconds: number) => {
        retry = milliseconds
      },
    }
    for await (const event of parseEventStream(stream, hooks)) events.push(event)
    expect(events).toEqual([
      { id: '1', event: 'a', data: 'ä1\n 2' },
      { id: '1', event: 'message', data: '' },
      { id: '1', event: 'message', data: 'last' },
    ])
    expect(retry).toBe(50)
  }
})
