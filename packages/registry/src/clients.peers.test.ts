import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHarness, type Harness } from './testing/harness.ts'

const execute = promisify(execFile)
const run = async (program: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await execute(program, args, { maxBuffer: 16 * 1024 * 1024 })
  return `${stdout}${stderr}`.trim()
}
const answers = (program: string, ...args: string[]): Promise<boolean> =>
  run(program, ...args).then(
    () => true,
    () => false,
  )

/** The socket of the containerd beside Docker's engine, for `ctr`. */
const { CONTAINERD_ADDRESS = '/run/containerd/containerd.sock' } = process.env
const has = {
  docker: await answers('docker', 'version', '--format', '{{.Server.Version}}'),
  podman: await answers('podman', 'version'),
  skopeo: await answers('skopeo', '--version'),
  crane: await answers('crane', 'version'),
  ctr:
    (await access(CONTAINERD_ADDRESS).then(
      () => true,
      () => false,
    )) && (await answers('ctr', '--address', CONTAINERD_ADDRESS, 'version')),
  helm: await answers('helm', 'version'),
}
const missing = Object.entries(has).flatMap(([name, exists]) => (exists ? [] : [name]))
if (missing.length > 0)
  console.warn(
    `SKIPPED: the registry with ${missing.join(', ')}. Put the programs in the PATH; docker needs an engine, ctr needs CONTAINERD_ADDRESS`,
  )

/** What a client did, for the table of README.md. */
type Row = { pushes: string; pulls: string; refusal: string }

interface Client {
  push(reference: string): Promise<unknown>
  pull(reference: string, digest: string): Promise<unknown>
}

describe.skipIf(!has.docker || !has.crane)('clients of other makers', () => {
  let harness: Harness
  let dir: string
  let host: string
  let token: string
  let archive: string
  const docker = (...args: string[]) => run('docker', '--config', join(dir, 'docker'), ...args)
  const tagged: string[] = []

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-clients-'))
    harness = await createHarness()
    host = new URL((await harness.listen()).url).host
    token = await harness.token(['push:plain', 'push:acme', 'pull:plain'])
    await docker('login', host, '--username', 'ada', '--password', token)
    archive = join(dir, 'image.tar')
    await writeFile(join(dir, 'file'), 'a file\n')
    await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY file /\nCMD ["/file"]\n')
    tagged.push('trainyard-clients:1')
    await docker('build', '--quiet', '--tag', 'trainyard-clients:1', dir)
    await docker('save', '--output', archive, 'trainyard-clients:1')
  })
  afterAll(async () => {
    await docker('rmi', '--force', ...tagged).catch(() => undefined)
    if (has.ctr)
      for (const image of (await ctr('images', 'ls', '--quiet')).split('\n').filter((line) => line !== ''))
        await ctr('images', 'rm', image)
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  })

  const auth = () => join(dir, 'docker', 'config.json')
  const podman = (...args: string[]) => run('podman', '--root', join(dir, 'podman'), '--storage-driver', 'vfs', ...args)
  const crane = (...args: string[]) =>
    execute('crane', args, { env: { ...process.env, DOCKER_CONFIG: join(dir, 'docker') } })
  const ctr = (...args: string[]) => run('ctr', '--address', CONTAINERD_ADDRESS, '--namespace', 'clients', ...args)

  const clients: Record<'docker' | 'podman' | 'skopeo' | 'crane' | 'ctr', Client> = {
    docker: {
      async push(reference) {
        tagged.push(reference)
        await docker('tag', 'trainyard-clients:1', reference)
        await docker('push', reference)
      },
      pull: (reference) => docker('pull', reference),
    },
    podman: {
      async push(reference) {
        await podman('load', '--input', archive)
        await podman('push', '--tls-verify=false', '--authfile', auth(), 'trainyard-clients:1', reference)
      },
      pull: (reference) => podman('pull', '--tls-verify=false', reference),
    },
    skopeo: {
      push: (reference) =>
        run(
          'skopeo',
          'copy',
          '--insecure-policy',
          '--dest-tls-verify=false',
          '--dest-authfile',
          auth(),
          `docker-archive:${archive}`,
          `docker://${reference}`,
        ),
      pull: (reference) =>
        run(
          'skopeo',
          'copy',
          '--insecure-policy',
          '--src-tls-verify=false',
          `docker://${reference}`,
          `dir:${join(dir, 'skopeo')}`,
        ),
    },
    crane: {
      push: (reference) => crane('push', '--insecure', archive, reference),
      pull: (reference) => crane('pull', '--insecure', reference, join(dir, 'crane.tar')),
    },
    ctr: {
      async push(reference) {
        await ctr('images', 'import', '--base-name', 'trainyard-clients', archive)
        await ctr('images', 'tag', '--force', 'docker.io/library/trainyard-clients:1', reference)
        await ctr('images', 'push', '--plain-http', '--user', `ada:${token}`, reference)
      },
      async pull(reference) {
        await ctr('content', 'fetch', '--plain-http', reference)
        await ctr('images', 'rm', reference, 'docker.io/library/trainyard-clients:1')
      },
    },
  }
  const rows = new Map<string, Row>()

  for (const name of ['docker', 'podman', 'skopeo', 'crane', 'ctr'] as const) {
    test.skipIf(!has[name])(`${name} pushes, pulls by tag and by digest, and shows why it is refused`, async () => {
      const client = clients[name]
      const reference = `${host}/plain/by-${name}:1`
      await client.push(reference)
      const head = await harness.request(`/v2/plain/by-${name}/manifests/1`, { method: 'HEAD' })
      const digest = head.headers.get('docker-content-digest') ?? ''
      expect(digest).toMatch(/^sha256:/)
      await client.pull(reference, digest)
      await client.pull(`${host}/plain/by-${name}@${digest}`, digest)
      const refused = await client.push(`${host}/acme/by-${name}:not-a-version`).then(
        () => 'accepted',
        (error: { stdout?: string; stderr?: string; message: string }) =>
          `${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`,
      )
      expect(refused).not.toBe('accepted')
      const refusal = /is not a semantic version/.test(refused) ? 'the reason' : (/403/.exec(refused)?.[0] ?? 'nothing')
      rows.set(name, { pushes: 'yes', pulls: 'yes', refusal })
    })
  }

  test.skipIf(!has.helm)('helm pushes and pulls a chart', async () => {
    const chart = join(dir, 'chart')
    await mkdir(join(chart, 'templates'), { recursive: true })
    await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: by-helm\nversion: 1.0.0\n')
    await run('helm', 'package', chart, '--destination', dir)
    const config = ['--plain-http', '--registry-config', auth()]
    await run('helm', 'push', join(dir, 'by-helm-1.0.0.tgz'), `oci://${host}/plain`, ...config)
    await mkdir(join(dir, 'pulled'))
    await run(
      'helm',
      'pull',
      `oci://${host}/plain/by-helm`,
      '--version',
      '1.0.0',
      '--destination',
      join(dir, 'pulled'),
      ...config,
    )
    expect(await readFile(join(dir, 'pulled', 'by-helm-1.0.0.tgz'))).toEqual(
      await readFile(join(dir, 'by-helm-1.0.0.tgz')),
    )
    rows.set('helm', { pushes: 'charts', pulls: 'charts', refusal: '-' })
  })

  test('did what the table of README.md says', async () => {
    const readme = (await readFile(new URL('../README.md', import.meta.url), 'utf8')).replaceAll(/ +/g, ' ')
    const shown = readme.split('\n').filter((line) => [...rows.keys()].some((name) => line.startsWith(`| \`${name}\``)))
    const seen = [...rows].map(
      ([name, { pushes, pulls, refusal }]) => `| \`${name}\` | ${pushes} | ${pulls} | ${refusal} |`,
    )
    expect(shown).toEqual(seen)
  })
})
