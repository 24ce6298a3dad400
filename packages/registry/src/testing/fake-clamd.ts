import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

export interface FakeClamd {
  address: string
  /** The streams that it received, in any order. */
  received: string[]
  close(): Promise<void>
}

const COMMAND_BYTES = 'zINSTREAM\0'.length

/** A program that speaks the protocol of clamd and answers as it is told. `undefined`: it closes the connection. */
export async function startFakeClamd(
  answer: (stream: string) => string | undefined | Promise<never>,
  version = 'ClamAV 1.4.2/27500/Thu Jan  1 08:15:00 2099',
): Promise<FakeClamd> {
  const received: string[] = []
  const server = createServer((socket) => {
    let rest = Buffer.alloc(0)
    let stream = ''
    let isStream = false
    socket.on('error', () => undefined)
    socket.on('data', async (piece) => {
      rest = Buffer.concat([rest, Buffer.from(piece)])
      if (rest.toString('latin1', 0, 9) === 'zVERSION\0') {
        socket.end(`${version}\0`)
        return
      }
      if (!isStream && rest.length >= COMMAND_BYTES) {
        isStream = true
        rest = rest.subarray(COMMAND_BYTES)
      }
      while (isStream && rest.length >= 4) {
        const length = rest.readUInt32BE(0)
        if (length > 0 && rest.length < 4 + length) return
        stream += rest.toString('latin1', 4, 4 + length)
        rest = rest.subarray(4 + length)
        if (length > 0) continue
        received.push(stream)
        const reply = await answer(stream)
        if (reply === undefined) socket.destroy()
        else socket.end(`${reply}\0`)
        return
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
