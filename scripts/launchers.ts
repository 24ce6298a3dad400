/**
 * `npm run launchers`: the trainers in Python through the whole platform. Each is published as a bundle and as an image that `trainyard build`
 * makes, is checked by the registry, and runs as a subprocess, in Docker and in pods: it trains, predicts, exports, is cancelled in the middle
 * of an epoch, continues, and stops early. Programs that have nothing of the trainers judge the results. Prints a table at the end.
 *
 * `-- --launcher docker --trainer timm` runs only these. Needs UV_PATH and PYTHON_WITH_FRAMEWORKS (`.ci/python-frameworks env`); for pods,
 * KUBECONFIG, KUBERNETES_CALLBACK_ADDRESS and KUBERNETES_BRIDGE_IMAGE. All three trainers share one lock, and so one environment of 6 GB.
 * `--data DIR` keeps the data of the platform for the next run.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { packFolder } from '@trainyard/client/files'
import { startServer, stopServer } from '../tests/e2e/server.ts'
import { LAUNCHERS, type Launcher, OPERATIONS, type Operation, tryTrainer } from './launchers/operations.ts'
import { lockTogether, makeData, must } from './launchers/prepare.ts'
import { TRAINERS } from './launchers/trainers.ts'
import { type LocalPackages, startLocalPackages } from './lib/local-packages.ts'
import { readFlags } from './lib/read-flags.ts'
import { ROOT, run } from './lib/run.ts'

const values = readFlags(import.meta.url, {
  launcher: { type: 'string', multiple: true, default: [...LAUNCHERS] },
  trainer: { type: 'string', multiple: true, default: Object.keys(TRAINERS) },
  base: { type: 'string', default: 'python:3.11-slim-bookworm' },
  data: { type: 'string' },
})
const python = required('PYTHON_WITH_FRAMEWORKS')
const uv = required('UV_PATH')

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: eval "$(.ci/python-frameworks env)"`)
  return value
}

/** An index with our package. Its address is a part of what identifies an environment, so it stays the same for kept data. */
async function startIndex(wheels: string, kept: string): Promise<LocalPackages> {
  await must(uv, ['build', '--quiet', '--wheel', '--out-dir', wheels, join(ROOT, 'python')])
  const built = (await readdir(wheels)).filter((file) => file.endsWith('.whl')).map((file) => join(wheels, file))
  const file = join(kept, 'index-port')
  const port = Number(await readFile(file, 'utf8').catch(() => 0))
  const packages = await startLocalPackages({ packs: [], wheels: built, upstreamUrl: 'http://127.0.0.1:1/', port })
  await mkdir(kept, { recursive: true })
  await writeFile(file, new URL(packages.pythonUrl).port)
  return packages
}

async function tryLauncher(launcher: Launcher, lock: string, variables: NodeJS.ProcessEnv): Promise<void> {
  const server = await startServer(join(kept, 'data'), 0, { ...variables, LAUNCHER: launcher })
  try {
    const upload = async (name: string) =>
      (await server.client.datasets.upload(packFolder(join(dir, name)), { name })).id
    const datasets = { digits: await upload('digits'), shapes: await upload('shapes') }
    const env = { ...process.env, ...variables }
    for (const name of values.trainer) {
      const cells = await tryTrainer(name, launcher, { server, dir, lock, base: values.base, datasets, python, env })
      rows.push({ name, launcher, cells })
    }
  } finally {
    await stopServer(server)
  }
}

const dir = await mkdtemp(join(tmpdir(), 'trainyard-launchers-'))
const kept = resolve(values.data ?? dir)
const rows: { name: string; launcher: Launcher; cells: Map<Operation, string> }[] = []
let packages: LocalPackages | undefined
try {
  packages = await startIndex(join(dir, 'wheels'), kept)
  const lock = await lockTogether(uv, dir, join(dir, 'wheels'))
  await makeData(python, dir)
  const variables = {
    PYTHON_INDEX_URL: [packages.pythonUrl, process.env.PYTHON_INDEX_URL ?? 'https://pypi.org/simple'].join(','),
    PYTHON_ENVIRONMENTS_DIR: join(kept, 'environments'),
  }
  for (const launcher of LAUNCHERS.filter((one) => values.launcher.includes(one)))
    await tryLauncher(launcher, lock, variables)
} finally {
  await packages?.close()
  // Environments of Python are read-only.
  await run('chmod', ['-R', 'u+w', dir], { capture: true })
  await rm(dir, { recursive: true, force: true })
}
console.log(`\n| trainer | launcher | ${OPERATIONS.join(' | ')} |\n|---|---|${OPERATIONS.map(() => '---|').join('')}`)
for (const { name, launcher, cells } of rows)
  console.log(`| ${name} | ${launcher} | ${OPERATIONS.map((operation) => cells.get(operation) ?? '').join(' | ')} |`)
