import { TrainyardUnreachableError } from '@trainyard/client'
import { CONTRACT_VERSION, isHttpUrl, redact } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import type { DoctorCheck } from './checks.ts'

const TIMEOUT_MS = 5000
/** Signed addresses and tokens of one request are valid for minutes. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000

export interface ServerToCheck {
  name: string
  url: string | undefined
  setting: string
  /** A path that this kind of server answers. */
  path: string
  token?: string | undefined
}

export interface CheckedServer {
  check: DoctorCheck
  /** How far this machine's clock is ahead of the server's, in milliseconds. Undefined without an answer. */
  clockDifferenceMs?: number | undefined
}

/** Checks that a server answers, speaks this version of the API and accepts the token. */
export async function checkServer(server: ServerToCheck, fetcher: typeof fetch = fetch): Promise<CheckedServer> {
  const { name, url, setting, path, token } = server
  if (!url) return { check: { name, status: 'skipped', text: `${setting} is not set, and no login is saved` } }
  const shown = redact(url)
  const problem = (text: string, help: string): DoctorCheck => ({ name, status: 'problem', text, help })
  if (!isHttpUrl(url)) return { check: problem(`${setting} is "${shown}"`, 'Set it to an http or https URL') }
  const headers = new Headers()
  if (token) headers.set('authorization', `Bearer ${token}`)
  const base = url.replace(/\/+$/, '')
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const startedAt = Date.now()
    const response = await fetcher(base + path, { headers, signal })
    const clockDifferenceMs = readClockDifference(response, startedAt)
    const { ok, status } = response
    const body = await response.text()
    if (!ok && status !== 401 && status !== 403) {
      const help = `Check ${setting}: it is not the address of a ${name.toLowerCase()}`
      return { check: problem(`${shown} answers ${status} to ${path}`, help), clockDifferenceMs }
    }
    const other = await findOtherVersion(base, fetcher, signal)
    if (other !== undefined) {
      const help = `This command line speaks version ${CONTRACT_VERSION}: install the release of trainyard that the server has`
      return { check: problem(`${shown} speaks version ${other} of the API`, help), clockDifferenceMs }
    }
    if (ok)
      return { check: { name, status: 'ok', text: token ? `${shown}, accepts the token` : shown }, clockDifferenceMs }
    if (!token) return { check: { name, status: 'ok', text: `${shown}, requires a token` }, clockDifferenceMs }
    const help =
      'Create a new token, and run "trainyard login" with it, or set TRAINYARD_TOKEN or TRAINYARD_TOKEN_FILE to it'
    return { check: problem(`${shown} refuses the token (${status})${reasonIn(body)}`, help), clockDifferenceMs }
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      return {
        check: problem(
          `${shown} does not answer in ${TIMEOUT_MS / 1000} seconds`,
          `Check the server and the network, or correct ${setting}`,
        ),
      }
    const { message } = new TrainyardUnreachableError(url, error)
    return { check: problem(message, `Start it, or correct ${setting}`) }
  }
}

/** Compares the time of the answer with that of this machine. Undefined if they are close, or without an answer. */
export function checkClock(servers: readonly CheckedServer[]): DoctorCheck | undefined {
  const name = 'Clock'
  const differenceMs = servers.find((server) => server.clockDifferenceMs !== undefined)?.clockDifferenceMs
  if (differenceMs === undefined) return undefined
  if (Math.abs(differenceMs) <= MAX_CLOCK_DIFFERENCE_MS)
    return { name, status: 'ok', text: 'agrees with that of the server' }
  const distance = `${formatDuration(Math.abs(differenceMs))} ${differenceMs > 0 ? 'ahead of' : 'after'}`
  const help =
    'Set the clock of this machine (with systemd: timedatectl set-ntp true). Tokens and signed addresses depend on it'
  return { name, status: 'problem', text: `this machine is ${distance} the server`, help }
}

/** HTTP dates have seconds. The answer is from some time between the request and now. */
function readClockDifference(response: Response, startedAt: number): number | undefined {
  const at = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(at)) return undefined
  if (startedAt > at + 1000) return startedAt - at
  return Math.min(0, Date.now() - at)
}

/** The version of the API in the server's description of it, if it is another one. */
async function findOtherVersion(base: string, fetcher: typeof fetch, signal: AbortSignal): Promise<string | undefined> {
  const response = await fetcher(`${base}/openapi.json`, { signal })
  if (!response.ok) {
    await response.body?.cancel()
    return undefined
  }
  const description: unknown = await response.json().catch(() => undefined)
  const info = isRecord(description) && isRecord(description.info) ? description.info : {}
  return typeof info.version === 'string' && info.version !== CONTRACT_VERSION ? info.version : undefined
}

/** What a problem document reports. */
function reasonIn(body: string): string {
  try {
    const problem: unknown = JSON.parse(body)
    if (isRecord(problem) && typeof problem.detail === 'string') return `: ${problem.detail}`
  } catch {
    // Another server than ours answered.
  }
  return ''
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
