import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, type TrainyardClient } from '@trainyard/client'

const root = join(import.meta.dirname, '..', '..')

export interface StartedProgram {
  process: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** Resolves with the text that matches; fails when the program ends or the time is over. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>
  /** Resolves with the exit code, or the signal's name. */
  ended: Promise<number | string>
}

/** Runs `scripts/start.ts` as `npm start` does after its set-up. */
export function runStart(args: readonly string[], env: NodeJS.ProcessEnv = {}): StartedProgram {
  const inherited = { ...process.env }
  // The embedded PostgreSQL and the folder store are part of what is tested.
  for (const name of ['DATABASE_URL', 'S3_ENDPOINT', 'PORT', 'TRAINYARD_DATA_DIR']) delete inherited[name]
  const child = spawn(process.execPath, ['--conditions=trainyard-source', join(root, 'scripts/start.ts'), ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      text += chunk
      for (const watch of watchers) watch()
    })
  }
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )
  return {
    process: child,
    output: () => text,
    ended,
    waitFor(pattern, timeoutMs = 180_000) {
      return new Promise((resolve, reject) => {
        const finish = (): void => {
          watchers.delete(watch)
          clearTimeout(timer)
        }
        const watch = (): void => {
          const match = text.match(pattern)
          if (match === null) return
          finish()
          resolve(match)
        }
        const timer = setTimeout(() => {
          finish()
          reject(new Error(`${pattern} did not appear within ${timeoutMs} ms in:\n${text}`))
        }, timeoutMs)
        void ended.then((code) => {
          watch()
          finish()
          reject(new Error(`the program ended with ${code} before ${pattern} appeared:\n${text}`))
        })
        watchers.add(watch)
        watch()
      })
    },
  }
}

export interface RunningServer extends StartedProgram {
  url: string
  client: TrainyardClient
  /** The token of the local owner. */
  token: string
  /** A link that signs a browser in, once. */
  link: string
}

/** `npm start -- --serve` on a free port over a data folder, ready for requests. */
export async function startServer(dataDir: string, port = 0, env: NodeJS.ProcessEnv = {}): Promise<RunningServer> {
  const program = runStart(['--serve', '--port', String(port), '--data', dataDir], env)
  const match = await program.waitFor(/is running at (http:\S+)/)
  const url = match[1] ?? ''
  const [link = ''] = await program.waitFor(/http:\S+\/open\?code=ty_[0-9a-f]+/)
  const token = (await readFile(join(dataDir, 'owner-token'), 'utf8')).trim()
  return { ...program, url, token, link, client: createClient({ registryUrl: url, runnerUrl: url, token }) }
}

/** Asks a server to stop and waits until it has. */
export async function stopServer(server: StartedProgram): Promise<void> {
  if (server.process.exitCode === null && server.process.signalCode === null) server.process.kill('SIGTERM')
  await server.ended
}
