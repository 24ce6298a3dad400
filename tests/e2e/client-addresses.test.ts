import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runStart, type StartedProgram, stopServer } from './server.ts'

let dir: string
let program: StartedProgram
let url: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-addresses-'))
  program = runStart(['--serve', '--port', '0', '--data', join(dir, 'data')], { AUTH: 'required' })
  url = (await program.waitFor(/is running at (http:\S+)/))[1] ?? ''
})

afterAll(async () => {
  await stopServer(program)
  await rm(dir, { recursive: true, force: true })
})

interface Attempt {
  path: string
  /** The address that the connection comes from. */
  from: string
  headers?: Record<string, string>
  body: string
}

async function post({ path, from, headers, body }: Attempt): Promise<number> {
  return await new Promise((resolve, reject) => {
    const sent = request(url + path, { method: 'POST', localAddress: from, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

const throughApi = (email: string, from: string, forwarded: string) =>
  post({
    path: '/v1/sessions',
    from,
    headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded },
    body: JSON.stringify({ email, password: 'a wrong password' }),
  })
const throughPage = (email: string, from: string, forwarded: string) =>
  post({
    path: '/sign-in',
    from,
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: url, 'x-forwarded-for': forwarded },
    body: new URLSearchParams({ email, password: 'a wrong password' }).toString(),
  })

// Other systems have one address of their own only.
describe.runIf(process.platform === 'linux')('ten wrong passwords', () => {
  test.each([
    ['the API', throughApi],
    ['the page', throughPage],
  ])('through %s are what one program on this machine gets, whatever address it claims', async (name, attempt) => {
    const email = `${name.slice(4).toLowerCase()}@red.test`
    for (let count = 1; count <= 10; count++)
      expect(await attempt(email, '127.0.0.7', `198.51.100.${count}`), String(count)).not.toBe(429)
    expect(await attempt(email, '127.0.0.7', '198.51.100.11')).toBe(429)
    // Another viewer has the own ten, and the pages themselves are none.
    for (const other of ['127.0.0.8', '127.0.0.1']) expect(await attempt(email, other, '127.0.0.7')).not.toBe(429)
  })
})
