import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { isHttpUrl, proxyEnvironment, redact } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'
import { useProxy } from '../server/use-proxy.ts'
import { plural } from '../terminal/text.ts'
import type { DoctorCheck } from './checks.ts'

const TIMEOUT_MS = 5000
const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const

/** The proxy of the environment: whether its address is one, this Node.js uses it, and it answers. Undefined without a proxy. */
export async function checkProxy(env: CliIo['env']): Promise<DoctorCheck | undefined> {
  const name = 'Proxy'
  if (proxyEnvironment(env) === undefined) return undefined
  const problem = (text: string, help: string): DoctorCheck => ({ name, status: 'problem', text, help })
  const addresses = new Set<string>()
  for (const variable of PROXY_VARIABLES) {
    const value = env[variable]
    if (!value) continue
    if (!isHttpUrl(value))
      return problem(`${variable} is "${redact(value)}"`, 'Set it to an http URL, such as http://proxy:3128')
    addresses.add(value)
  }
  const cannot = useProxy(env)
  if (cannot !== undefined) return problem('this Node.js does not use it', cannot)
  for (const address of addresses) {
    const { hostname, port, protocol, host } = new URL(address)
    const why = await findConnectProblem(hostname, Number(port || (protocol === 'https:' ? 443 : 80)))
    if (why !== undefined)
      return problem(
        `${host} does not answer (${why})`,
        'Correct HTTP_PROXY and HTTPS_PROXY, or name the server in NO_PROXY',
      )
  }
  const direct = env.NO_PROXY || env.no_proxy
  const text = [...addresses].map((address) => new URL(address).host).join(', ')
  return { name, status: 'ok', text: direct ? `${text}, except for ${direct}` : text }
}

function findConnectProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS })
    const end = (why: string | undefined) => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('it took too long'))
    socket.once('error', (error) => end('code' in error ? String(error.code) : error.message))
  })
}

/** The file of further certificate authorities. Node.js ignores one that it cannot read. Undefined without one. */
export async function checkAuthorities(env: CliIo['env'], now = new Date()): Promise<DoctorCheck | undefined> {
  const name = 'Authorities'
  const file = env.NODE_EXTRA_CA_CERTS
  if (!file) return undefined
  const help = 'Set NODE_EXTRA_CA_CERTS to a PEM file of certificates before the program starts'
  try {
    const blocks = (await readFile(file, 'utf8')).match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)
    if (blocks === null) return { name, status: 'problem', text: `${file} contains no certificate`, help }
    const expired = blocks.map((block) => new X509Certificate(block)).filter(({ validToDate }) => validToDate < now)
    const [first] = expired
    // The bundle of a system can have old ones among those that are used.
    if (first === undefined || expired.length < blocks.length)
      return { name, status: 'ok', text: `${file}: ${plural(blocks.length, 'certificate')}` }
    const text = `${file}: the certificate of ${first.subject.replaceAll('\n', ', ')} expired on ${first.validTo}`
    return { name, status: 'problem', text, help: 'Replace it by the current one of your network' }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { name, status: 'problem', text: `${file} cannot be read (${why}), so Node.js ignores it`, help }
  }
}
