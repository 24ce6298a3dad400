import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import { ConfigError } from '@trainyard/platform'
import { type RunResult, run } from '../lib/run.ts'

type Environment = Readonly<Record<string, string | undefined>>

const OTHERWISE =
  'Start the servers alone with "npm start -- --serve", push the image of a trainer to them, and create a job with it ' +
  '(docs/guides/train-in-containers.md); or leave LAUNCHER out'

/** Whether the launcher runs images only, so that a bundle is not enough. */
export const needsImage = (env: Environment): boolean => env.LAUNCHER === 'docker' || env.LAUNCHER === 'kubernetes'

/** Runs before anything is started. @throws ConfigError if the sample trainer cannot run with these settings */
export async function requireImageCanBeBuilt(env: Environment): Promise<void> {
  if (!needsImage(env)) return
  if (env.LAUNCHER === 'kubernetes') {
    throw new ConfigError(
      `LAUNCHER is "kubernetes", whose pods run images; the sample training cannot know how your cluster reaches this registry. ${OTHERWISE}`,
    )
  }
  if (env.DOCKER_HOST?.startsWith('tcp://')) {
    throw new ConfigError(
      `DOCKER_HOST is "${env.DOCKER_HOST}"; the sample trainer is pushed through an engine of this machine, "unix:///…". ${OTHERWISE}`,
    )
  }
  await withDocker({}, async (docker) => {
    const answer = await docker('version', '--format', '{{.Server.Version}}').catch((error: unknown) => {
      throw new ConfigError(
        `LAUNCHER is "docker", whose containers run images; the program "docker" is needed to build one and was not found. ${OTHERWISE}`,
        { cause: error },
      )
    })
    if (answer.code === 0) return
    throw new ConfigError(
      `LAUNCHER is "docker", but no Docker engine responds (${answer.output.trim()}). Start it, or set DOCKER_HOST. ${OTHERWISE}`,
    )
  })
}

interface PushImageOptions {
  client: TrainyardClient
  registryUrl: string
  token: string
  /** Built, with its Dockerfile. */
  dir: string
  name: string
  version: string
  note(text: string): void
}

/** Builds and pushes a trainer's image with Docker, unless the registry already has it. */
export async function pushTrainerImage(options: PushImageOptions): Promise<void> {
  const { client, name, version, note } = options
  const isPushed = async (): Promise<boolean> =>
    (await client.trainers.resolve(name, version).catch(() => undefined))?.image !== undefined
  if (await isPushed()) return
  const { host } = new URL(options.registryUrl)
  const image = `${host}/${name}:${version}`
  const auth = Buffer.from(`local:${options.token}`).toString('base64')
  await withDocker({ auths: { [host]: { auth } } }, async (docker) => {
    note('building its image')
    mustSucceed('build', await docker('build', '--quiet', '--tag', image, options.dir))
    try {
      note('pushing its image')
      mustSucceed('push', await docker('push', image))
    } finally {
      // The launcher pulls the image from the registry by digest.
      await docker('rmi', image)
    }
  })
  note('checking its image')
  for (;;) {
    const { state, checks } = await client.trainers.version(name, version)
    if (state === 'rejected') {
      const findings = checks.flatMap((check) => check.findings).map(({ code, message }) => `${code}: ${message}`)
      throw new Error(`the image of ${name}@${version} was rejected:\n${findings.join('\n')}`)
    }
    if (await isPushed()) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

type Docker = (...args: string[]) => Promise<RunResult>

/** Docker's client with its own configuration folder, so that the user's login is not changed. */
async function withDocker<T>(config: object, use: (docker: Docker) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-docker-'))
  try {
    await writeFile(join(dir, 'config.json'), JSON.stringify(config), { mode: 0o600 })
    return await use((...args) => run('docker', ['--config', dir, ...args], { capture: true }))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function mustSucceed(what: string, { code, output }: RunResult): void {
  if (code !== 0) throw new Error(`"docker ${what}" of the sample trainer failed:\n${output.trim()}`)
}
