/**
 * Runs the commands of docs/tutorials/first-cluster.md, in their order, on a real cluster of one node whose NodePorts are those of this
 * machine: `npm test -- --project deploy`. It needs what chart.deploy.test.ts needs, and an engine with python:3.11-slim-bookworm. The
 * node has to pull from 127.0.0.1:30760 over plain HTTP, as containerd does.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@trainyard/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/run.ts'
import { kubectl, runProgram } from './cluster.ts'

const { KUBECONFIG, TEST_NODE_ADDRESS } = process.env
const isHere = KUBECONFIG !== undefined && TEST_NODE_ADDRESS !== undefined
if (!isHere) console.warn('SKIPPED: the tutorial on a cluster. Set what the head of chart.deploy.test.ts names')

const [registryUrl, runnerUrl] = ['http://127.0.0.1:30760', 'http://127.0.0.1:30761']
/** The cluster of the tests has no storage class, and its API server another port than that of kind. */
const CLUSTER = `postgresql: { storage: "" }
minio: { storage: "" }
networkPolicy: { apiServer: { cidr: 0.0.0.0/0, ports: [443, 6443, 9643] } }
`

/** The commands of each section by its heading. A comment in front of a block says why it is not run. */
async function readSections(): Promise<Map<string, string[]>> {
  const text = await readFile(join(ROOT, 'docs/tutorials/first-cluster.md'), 'utf8')
  return new Map(
    text
      .split(/^## /m)
      .map((section) => [
        section.split('\n')[0] ?? '',
        [...section.matchAll(/(<!-- not run: .* -->\n)?```sh\n([\s\S]*?)```/g)].flatMap(([, mark, block = '']) =>
          mark === undefined ? block.trim().split('\n') : [],
        ),
      ]),
  )
}

describe.skipIf(!isHere)('the tutorial of the first cluster', { timeout: 900_000 }, () => {
  let dir: string
  let sections: Map<string, string[]>
  let token: string | undefined

  /** Runs the commands of a section as they stand there, and returns what they printed. */
  async function follow(title: string): Promise<string> {
    const lines = sections.get(title) ?? []
    expect(lines, title).not.toEqual([])
    const values = join(dir, 'cluster.yaml')
    const script = lines.map((line) =>
      line
        .replaceAll('deploy/', `${ROOT}/deploy/`)
        .replace(/kind\/values\.yaml/, `kind/values.yaml --values ${values}`),
    )
    const cli = `"${process.execPath}" --conditions=trainyard-source "${ROOT}/packages/cli/src/main.ts"`
    const variables = `export TRAINYARD_REGISTRY=${registryUrl} TRAINYARD_RUNNER=${runnerUrl} TRAINYARD_TOKEN=${token ?? ''}`
    const functions = `trainyard() { ${cli} "$@"; }\nhelm() { "${process.env.HELM_PATH ?? 'helm'}" "$@"; }`
    // "command" finds the program when HELM_PATH is a name alone.
    return await runProgram('bash', [
      '-c',
      `set -e\ncd "${dir}"\n${functions.replace('{ "helm"', '{ command helm')}\n${variables}\n${script.join('\n')}`,
    ])
  }

  const forget = () => kubectl('delete', 'namespace', 'trainyard', 'trainyard-trainers', '--ignore-not-found', '--wait')

  beforeAll(async () => {
    sections = await readSections()
    dir = await mkdtemp(join(tmpdir(), 'trainyard-tutorial-'))
    await writeFile(join(dir, 'cluster.yaml'), CLUSTER)
    await forget()
  }, 300_000)
  afterAll(async () => {
    await forget()
    await rm(dir, { recursive: true, force: true })
  }, 300_000)

  it('installs the platform', async () => {
    expect(await follow('2. Install the platform')).toContain('Succeeded')
  })

  it('prints the link for the first account, to the pages', async () => {
    const printed = await follow('3. Create the first account')
    const [, link, setupSecret = ''] = /(\S+)\/sign-up\?setup=(\S+)/.exec(printed) ?? []
    expect(link).toBe('http://127.0.0.1:30762')
    const account = { email: 'ada@example.test', password: 'a long enough passphrase 7' }
    const anonymous = createClient({ registryUrl, runnerUrl })
    await anonymous.identity.signUp({ ...account, setupSecret })
    const session = await anonymous.identity.createSession(account)
    token = session.secret
    await createClient({ registryUrl, runnerUrl, token }).identity.createOrganisation({ slug: 'acme' })
  })

  it('pushes a trainer', async () => {
    expect(await follow('4. Push a trainer')).toContain('acme/first-trainer')
  })

  it('trains it in a pod', async () => {
    const printed = await follow('5. Train in a pod')
    expect(printed).toContain('job 1 succeeded')
    expect(printed).toMatch(/trainyard-\S*1/)
  })

  it('upgrades and rolls back', async () => {
    expect(await follow('6. Upgrade, and clean up')).toContain('Rollback was a success')
  })
})
