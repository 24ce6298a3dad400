import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { platform } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CliIo } from '../command-line/io.ts'
import type { DoctorCheck } from './checks.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 10_000

/** npm, which a project with a package.json needs. */
export async function checkNpm(dir: string, env: CliIo['env']): Promise<DoctorCheck> {
  const name = 'npm'
  const isNeeded = existsSync(join(dir, 'package.json'))
  try {
    const { stdout } = await run('npm', ['--version'], { env: { ...env }, timeout: TIMEOUT_MS })
    return { name, status: 'ok', text: stdout.trim() }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const text = isMissing ? 'not in PATH' : `does not start (${firstLine(error)})`
    if (!isNeeded) return { name, status: 'skipped', text }
    return {
      name,
      status: 'problem',
      text,
      help: 'npm comes with Node.js: add its folder to PATH, or install Node.js again',
    }
  }
}

/** The Docker engine, for trainers that are images. */
export async function checkDocker(env: CliIo['env']): Promise<DoctorCheck> {
  const name = 'Docker'
  const host = env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  const socketPath = /^unix:\/\/(.*)$/.exec(host)?.[1]
  if (socketPath === undefined) return { name, status: 'skipped', text: `DOCKER_HOST is ${host}, which is not checked` }
  if (!existsSync(socketPath)) {
    const text = `no engine at ${socketPath}`
    if (!env.DOCKER_HOST) return { name, status: 'skipped', text: `${text}: trainers that are images cannot run here` }
    return { name, status: 'problem', text, help: 'Start Docker, or correct DOCKER_HOST' }
  }
  try {
    return { name, status: 'ok', text: await readEngineVersion(socketPath) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const text = `the engine at ${socketPath} does not answer (${firstLine(error)})`
    // An engine that was stopped leaves its socket behind.
    if (code === 'ECONNREFUSED' && !env.DOCKER_HOST)
      return { name, status: 'skipped', text: `${text}: trainers that are images cannot run here` }
    const help =
      code === 'EACCES'
        ? 'Add this user to the group of the socket: sudo usermod -aG docker "$USER", then sign in again'
        : 'Start Docker'
    return { name, status: 'problem', text, help }
  }
}

function readEngineVersion(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/version', timeout: TIMEOUT_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('end', () => {
        const version = /"Version"\s*:\s*"([^"]{1,50})"/.exec(body)?.[1]
        if (version === undefined) reject(new Error(`it answers ${response.statusCode}`))
        else resolve(version)
      })
    })
    call.on('timeout', () => call.destroy(new Error('it took too long')))
    call.on('error', reject)
    call.end()
  })
}

/** Whether a server on this machine can separate trainers from the rest of it. */
export async function checkSandbox(env: CliIo['env']): Promise<DoctorCheck> {
  const name = 'Sandbox'
  if (platform() !== 'linux')
    return {
      name,
      status: 'skipped',
      text: `not on ${platform()}: a server here runs trainers as this user, or with Docker`,
    }
  const tries = [
    ['bubblewrap', 'bwrap', ['--ro-bind', '/', '/', '--unshare-user', '--unshare-pid', 'true']],
    ['util-linux', 'unshare', ['--user', '--map-root-user', '--mount', 'true']],
  ] as const
  const reasons: string[] = []
  for (const [title, program, args] of tries) {
    try {
      await run(program, args, { env: { ...env }, timeout: TIMEOUT_MS })
      return { name, status: 'ok', text: title }
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      reasons.push(`${program} ${isMissing ? 'is not installed' : `fails (${firstLine(error)})`}`)
    }
  }
  const help =
    'A server on this machine runs only trainers that you trust. Install bubblewrap, and allow user namespaces'
  return { name, status: 'skipped', text: reasons.join(', '), help }
}

/** The line of an error that names the cause: Node.js puts the command line before it. */
function firstLine(error: unknown): string {
  const { message, stderr = '' } =
    error instanceof Error ? (error as Error & { stderr?: string }) : { message: String(error) }
  return (stderr.trim().split('\n')[0] || message.split('\n')[0] || 'unknown').slice(0, 200)
}
