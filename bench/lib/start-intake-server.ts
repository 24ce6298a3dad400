import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface OpenJob {
  id: number
  authorization: string
}

export interface IntakeServer {
  child: ChildProcess
  url: string
  jobs: OpenJob[]
  stop(): Promise<void>
}

/** A runner in its own process, logging as in production, with attempts that wait for their journals. */
export async function startIntakeServer(databaseUrl: string, jobs: number): Promise<IntakeServer> {
  const child = fork(join(import.meta.dirname, 'intake-server.ts'), [String(jobs)], {
    execArgv: ['--conditions=trainyard-source'],
    env: { ...process.env, TEST_DATABASE_URL: databaseUrl, TEST_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the runner of the bench did not start')))
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string; jobs: OpenJob[] }]
  ended.catch(() => {})
  return {
    child,
    ...message,
    async stop() {
      if (!child.connected) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
