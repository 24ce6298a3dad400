import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHarness } from '../../packages/registry/src/testing/harness.ts'

const run = promisify(execFile)
const BASE = 'node:24-bookworm-slim'

/**
 * For tests on a cluster: our own registry with an image of Node, pushed by Docker, for the node to pull. It listens on
 * loopback, where container runtimes take plain HTTP, so the node has to be this machine.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (!process.env.KUBECONFIG || process.env.TEST_KUBERNETES_IMAGE) return undefined
  const ready = await run('docker', ['image', 'inspect', BASE]).then(
    () => true,
    () => false,
  )
  if (!ready) return undefined
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-kubernetes-'))
  const harness = await createHarness({ config: { maxBundleBytes: 4 * 1024 ** 3 } })
  await harness.registry.start()
  const { host } = new URL((await harness.listen()).url)
  const docker = async (...args: string[]) => (await run('docker', ['--config', join(dir, 'docker'), ...args])).stdout
  const image = `${host}/plain/node:24`
  await docker('login', host, '--username', 'ada', '--password', await harness.token(['push:plain']))
  await docker('tag', BASE, image)
  const pushed = await docker('push', image)
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1]
  if (digest === undefined) throw new Error(`docker push named no digest:\n${pushed}`)
  process.env.TEST_KUBERNETES_IMAGE = `${host}/plain/node@${digest}`
  return async () => {
    await docker('rmi', '--force', image).catch(() => undefined)
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  }
}
