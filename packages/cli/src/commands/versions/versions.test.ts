import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

const requests: string[] = []
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  requests.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`.trim())
  response.writeHead(204).end()
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  requests.length = 0
})

const run = (...args: string[]) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return runCommand(args, { env: { TRAINYARD_REGISTRY: url, TRAINYARD_TOKEN: 'ty_test', HOME: '/nonexistent' } })
}

test.each([
  [
    ['deprecate', 'acme/yolo@1.2.0', '--message', 'old', '--use', '1.3.0'],
    'POST /v1/trainers/acme/yolo/versions/1.2.0/deprecate {"message":"old","replacement":"1.3.0"}',
    'acme/yolo@1.2.0 is now deprecated\n',
  ],
  [
    ['deprecate', 'acme/yolo@1.2.0', '--undo'],
    'DELETE /v1/trainers/acme/yolo/versions/1.2.0/deprecate',
    'acme/yolo@1.2.0 is no longer deprecated\n',
  ],
  [
    ['yank', 'acme/yolo@1.2.0', '--reason', 'broken'],
    'POST /v1/trainers/acme/yolo/versions/1.2.0/yank {"reason":"broken"}',
    'acme/yolo@1.2.0 is hidden from ranges, tags and channels. Pulls by digest go on\n',
  ],
  [
    ['yank', 'acme/yolo@1.2.0', '--undo'],
    'DELETE /v1/trainers/acme/yolo/versions/1.2.0/yank',
    'acme/yolo@1.2.0 is shown again\n',
  ],
  [
    ['channel', 'stable', 'acme/yolo@1.2.0'],
    'POST /v1/trainers/acme/yolo/channels {"name":"stable","version":"1.2.0"}',
    'acme/yolo@stable is now 1.2.0\n',
  ],
  [
    ['channel', 'stable', 'acme/yolo', '--undo'],
    'DELETE /v1/trainers/acme/yolo/channels/stable',
    'acme/yolo@stable is no longer set\n',
  ],
])('trainyard %j changes the version', async (args, request, out) => {
  expect(await run(...args)).toMatchObject({ code: 0, out })
  expect(requests).toEqual([request])
})

test.each([
  [['deprecate', 'acme/yolo@1.2.0'], 'no message: say why with --message TEXT'],
  [['yank', 'acme/yolo@1.2.0'], 'no reason: say why with --reason TEXT'],
  [['yank', 'acme/yolo', '--reason', 'x'], 'expected NAMESPACE/NAME@VERSION'],
  [['yank', 'acme/yolo@latest', '--undo'], 'expected NAMESPACE/NAME@VERSION'],
  [['channel', 'v2', 'acme/yolo@1.2.0'], 'CHANNEL is "v2": it must not look like a version'],
  [['channel', 'stable'], 'missing argument VERSION'],
])('trainyard %j names the mistake', async (args, words) => {
  const { code, err } = await run(...args)
  expect([code, requests]).toEqual([2, []])
  expect(err).toContain(words)
})
