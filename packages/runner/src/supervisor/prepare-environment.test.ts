import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LogPage } from '@trainyard/contract'
import { type PackageIndex, startPackageIndex, whyNoEnvironments } from '@trainyard/environments/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, startHarness } from '../testing/harness.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'

const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: jobs with a Python environment. ${reason}`)

/** Reports with the standard library only. */
const TRAINER = `import alpha, json, os, urllib.request
def send(seq, event):
    body = json.dumps({"attempt": int(os.environ["JOB_ATTEMPT"]), "events": [{"seq": seq, "time": "2026-01-01T00:00:00Z", **event}]})
    token = open(os.environ["CALLBACK_TOKEN_FILE"]).read()
    headers = {"authorization": "Bearer " + token, "content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(os.environ["CALLBACK_URL"] + "/events", body.encode(), headers))
send(1, {"type": "started"})
send(2, {"type": "completed", "result": {"operation": "train", "finalMetrics": {"accuracy": 1}}})
`

describe.skipIf(reason !== undefined)('a job of a trainer with a Python environment', () => {
  let harness: Harness
  let index: PackageIndex
  let dir: string
  beforeAll(async () => {
    index = await startPackageIndex()
    index.addWheel('alpha')
    index.addSource('sleeps', 'import time\ndef build_wheel(*_):\n    time.sleep(600)\n')
    dir = await mkdtemp(join(tmpdir(), 'trainyard-job-environment-'))
    await mkdir(join(dir, 'trainer'))
    await writeFile(join(dir, 'trainer', 'train.py'), TRAINER)
    await writeFile(join(dir, 'trainer', 'trainer.json'), JSON.stringify(MANIFEST))
    harness = await startHarness({
      start: true,
      config: {
        startTimeoutSeconds: 5,
        environments: { env: { ...process.env, PYTHON_INDEX_URL: index.url }, maxBytes: 1e9 },
      },
      runner: { trainers: createFolderTrainerSource(join(dir, 'trainer')) },
    })
  })
  afterAll(async () => {
    await harness.close()
    await index.close()
    await rm(dir, { recursive: true, force: true })
  })
  const submit = async (requirements: string) => {
    await writeFile(join(dir, 'trainer', 'requirements.txt'), requirements)
    return await harness.createJob({ trainer: 'acme/python' })
  }
  const logOf = async (id: number) => LogPage.parse(await (await harness.request(`/v1/jobs/${id}/logs`)).json()).lines

  it('shows the phase while it is prepared, longer than a start may take, and its log', async () => {
    const release = index.hold()
    const created = await submit('alpha\n')
    const preparing = await harness.waitFor(created.id, (job) => job.progress.phase !== undefined)
    expect(preparing.progress.phase).toBe('preparing the environment')
    await sleep(6000)
    expect((await harness.getJob(created.id)).progress.phase).toBe('preparing the environment')
    release()
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed' })
    expect(job.progress.phase).toBeUndefined()
    const lines = (await logOf(job.id)).filter(({ source }) => source === 'platform').map(({ message }) => message)
    expect(lines[0]).toMatch(/^Preparing the Python environment of requirements.txt: Python 3/)
    expect(lines).toContain(' + alpha==1.0')
    const again = await submit('alpha\n')
    await harness.waitFor(again.id, isOver)
    expect((await logOf(again.id)).filter(({ source }) => source === 'platform')).toEqual([])
  })

  it('ends as environment_error with the line and the resolver’s words, without a retry', async () => {
    const job = await harness.waitFor((await submit('alpha\nno-such-package==1\n')).id, isOver)
    expect(job).toMatchObject({ state: 'failed', endReason: 'environment_error', attempt: 1 })
    expect(job.error?.message).toMatch(
      /^requirements.txt:2: the package "no-such-package" does not exist on the package indexes\n[\s\S]*No solution found/,
    )
  })

  it('is cancelled while its environment is prepared', async () => {
    const created = await submit('sleeps\n')
    await harness.waitFor(created.id, (job) => job.progress.phase !== undefined)
    await harness.request(`/v1/jobs/${created.id}/cancel`, { method: 'POST' })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
  })

  it('that imports a package it did not declare names the package, the interpreter and the file', async () => {
    const job = await harness.waitFor((await submit('# none\n')).id, isOver)
    expect(job).toMatchObject({ state: 'failed', endReason: 'training_error' })
    expect(job.error?.message).toMatch(
      /The package "alpha" \(module "alpha"\) is not installed for \/\S+\/bin\/python, which looked for it. Add it to requirements.txt/,
    )
  })
})

const MANIFEST = {
  name: 'acme/python',
  version: '1.0.0',
  displayName: 'Python',
  description: 'A trainer with a Python environment',
  license: 'MIT',
  authors: ['Acme'],
  contract: '1',
  framework: 'none',
  entrypoints: { train: ['python', 'train.py'] },
  runtime: { python: '>=3.9', dependencies: 'requirements.txt' },
  models: [{ name: 'tiny', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['dice'],
  metrics: { primary: { classification: { name: 'accuracy', goal: 'maximize' } } },
}
