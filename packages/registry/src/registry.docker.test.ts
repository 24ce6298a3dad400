import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, trainerManifest } from './testing/harness.ts'

const run = promisify(execFile)
const version = await run('docker', ['version', '--format', '{{.Server.Version}}']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
)
if (version === undefined) console.warn('SKIPPED: docker push and pull. `docker version` failed; start Docker')

describe.skipIf(version === undefined)(`docker ${version}, over HTTP`, () => {
  let harness: Harness
  let dir: string
  let host: string
  let token: string
  const images: string[] = []
  const docker = async (...args: string[]) => (await run('docker', ['--config', join(dir, 'config'), ...args])).stdout

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-docker-'))
    harness = await createHarness()
    await harness.registry.start()
    host = new URL((await harness.listen()).url).host
    token = await harness.token(['push:acme'])
    await docker('login', host, '--username', 'ada', '--password', token)
  })
  afterAll(async () => {
    if (images.length > 0) await docker('rmi', '--force', ...images).catch(() => undefined)
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function build(name: string, tag: string, manifest: unknown): Promise<string> {
    await writeFile(join(dir, 'trainer.json'), JSON.stringify(manifest))
    await writeFile(join(dir, 'README.md'), '# From Docker\n')
    await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY trainer.json README.md /\n')
    const image = `${host}/${name}:${tag}`
    images.push(image)
    await docker('build', '--quiet', '--tag', image, dir)
    return image
  }

  it('pushes an image, waits for its checks, and pulls it by version, by latest and by digest', async () => {
    const image = await build('acme/boxed', '1.0.0', trainerManifest('acme/boxed', '1.0.0'))
    const pushed = await docker('push', image)
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1] ?? ''
    const { checkId } = (await (await harness.request('/v1/trainers/acme/boxed/versions/1.0.0', { token })).json()) as {
      checkId: string
    }
    const check = await endOfCheck(harness, token, new Response(null, { headers: { 'trainyard-check': checkId } }))
    expect(check.state).toBe('published')

    await docker('logout', host)
    for (const reference of [image, `${host}/acme/boxed:latest`, `${host}/acme/boxed@${digest}`]) {
      await docker('rmi', '--force', image).catch(() => undefined)
      expect(await docker('pull', reference)).toContain(`Digest: ${digest}`)
      images.push(reference)
    }
    const trainer = (await (await harness.request('/v1/trainers/acme/boxed')).json()) as { readme: string }
    expect(trainer.readme).toBe('# From Docker\n')
    await docker('login', host, '--username', 'ada', '--password', token)
  })

  it('prints what to do if a version exists, and if a tag is not a version', async () => {
    const first = await build('acme/taken', '1.0.0', trainerManifest('acme/taken', '1.0.0'))
    await docker('push', first)
    const other = await build('acme/taken', '1.0.0', trainerManifest('acme/taken', '1.0.0', { description: 'Other' }))
    await expect(docker('push', other)).rejects.toThrow(/denied: .*versions are immutable/)
    const dev = await build('acme/taken', 'dev', trainerManifest('acme/taken', '1.0.0'))
    await expect(docker('push', dev)).rejects.toThrow(/denied: the tag "dev" is not a semantic version/)
  })

  it('cannot pull a rejected version', async () => {
    const image = await build('acme/unfit', '1.0.0', { not: 'a manifest' })
    await docker('push', image)
    await docker('rmi', '--force', image)
    await docker('logout', host)
    await expect(docker('pull', image)).rejects.toThrow(/not found|denied|unauthorized/)
    await docker('login', host, '--username', 'ada', '--password', token)
  })
})
