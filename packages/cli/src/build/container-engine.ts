import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CliIo } from '../command-line/io.ts'

/** The container engine that this user's `docker` or `podman` speaks to. */
export interface ContainerEngine {
  program: string
  version: string
  /** Writes the archive of an image. False: the engine does not have it. */
  save(name: string, target: string): Promise<boolean>
  /** Takes an archive of an image, under the names in it. */
  load(archive: AsyncIterable<Uint8Array>): Promise<void>
}

const PROGRAMS = ['docker', 'podman']

/** Undefined: no program of an engine is in PATH, or none that answers. */
export async function findEngine(env: CliIo['env']): Promise<ContainerEngine | undefined> {
  for (const program of PROGRAMS) {
    const { code, output } = await run(program, ['version', '--format', '{{.Server.Version}}'], env)
    if (code === 0 && output.trim() !== '') return engineOf(program, output.trim(), env)
  }
  return undefined
}

function engineOf(program: string, version: string, env: CliIo['env']): ContainerEngine {
  return {
    program,
    version,
    async save(name, target) {
      if ((await run(program, ['image', 'inspect', name], env)).code !== 0) return false
      const { code, output } = await run(program, ['save', '--output', target, name], env)
      if (code !== 0) throw new Error(`${program} save ${name} failed: ${output.trim()}`)
      return true
    },
    async load(archive) {
      const { code, output } = await run(program, ['load', '--quiet'], env, archive)
      if (code !== 0) throw new Error(`${program} load failed: ${output.trim()}`)
    },
  }
}

/** How a program ended, and what it printed. The code is undefined for one that does not start. */
function run(
  program: string,
  args: readonly string[],
  env: CliIo['env'],
  input?: AsyncIterable<Uint8Array>,
): Promise<{ code: number | null | undefined; output: string }> {
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? 'ignore' : 'pipe'
    const child = spawn(program, args, { env: { ...env }, stdio: [stdin, 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-4096)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('error', () => resolve({ code: undefined, output }))
    child.once('close', (code) => resolve({ code, output }))
    if (input === undefined || child.stdin === null) return
    pipeline(Readable.from(input, { objectMode: false }), child.stdin).catch((error: NodeJS.ErrnoException) => {
      // The program reports why it reads no further.
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return
      child.kill()
      reject(error)
    })
  })
}
