/**
 * `npm test`: every suite that needs no extra server, then says what was skipped and how to get it.
 * `npm test -- PATTERN` runs the test files whose path holds the pattern.
 */
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { ROOT, run, tool } from './lib/run.ts'

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
})
type Report = z.infer<typeof Report>

/** More failing files than this are no bad luck: they are not tried again. */
const MAX_SECOND_TRIES = 5

/** What the suites beside the unit tests need, and how to get it. */
const ELSEWHERE = [
  ['s3', 'an S3 server: set S3_ENDPOINT, S3_BUCKET, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  ['docker', 'a Docker engine: start one, or set DOCKER_HOST'],
  ['kubernetes', 'a cluster of one node, this machine: set KUBECONFIG; and a Docker engine with node:24-bookworm-slim'],
  ['mlflow', 'MLflow and TensorBoard: set MLFLOW_TRACKING_URI, and TENSORBOARD to the program'],
  [
    'identity',
    'job tokens of GitHub and GitLab: set LAB_GITHUB_ISSUER, LAB_GITLAB_ISSUER and ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  ],
  ['scanners', 'ClamAV and Trivy: set CLAMAV_SOCKET and TRIVY_SERVER_URL, and have trivy in PATH or set TRIVY_PROGRAM'],
  ['python', 'uv, and frameworks of Python: .ci/python-frameworks make, then eval "$(.ci/python-frameworks env)"'],
  ['workflows', 'act, which runs GitHub workflows: set ACT_PATH to the program'],
  [
    'peers',
    'the loaders and clients of others: set TRAINYARD_PEERS_PYTHON to a Python with pycocotools, datumaro or torchvision, and have docker, podman, skopeo, crane or helm in PATH',
  ],
  ['deploy', 'a cluster of one node (KUBECONFIG, TEST_NODE_ADDRESS), a Docker engine, Helm (HELM_PATH) and COMPOSE'],
  ['browser', 'Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH'],
] as const

const args = process.argv.slice(2)
const projectAt = args.indexOf('--project')
const project = projectAt === -1 ? 'unit' : (args[projectAt + 1] ?? '')
const patterns = projectAt === -1 ? args : args.toSpliced(projectAt, 2)

let { code, report } = await runSuite(patterns)
let shown = report
const failedFiles = report?.testResults.filter((file) => file.status === 'failed').map((file) => file.name) ?? []
if (code !== 0 && process.env.CI && failedFiles.length <= MAX_SECOND_TRIES) {
  // A machine that is shared by others can starve a test; what fails twice, alone the second time, is broken.
  printFailures(report)
  const what = failedFiles.length === 0 ? 'everything (an error outside every test)' : failedFiles.join(', ')
  console.log(`\nSECOND TRY of ${what}: see above what failed first\n`)
  const second = await runSuite(
    failedFiles.length === 0 ? patterns : failedFiles.map((name) => relative(process.cwd(), name)),
  )
  if (second.code === 0) code = 0
  else shown = second.report
}

if (report !== undefined) {
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((one) => one.status !== 'passed' && one.status !== 'failed')
      .map((one) => one.fullName),
  )
  if (skipped.length > 0) console.log(`\nSkipped here:\n${skipped.map((name) => `  - ${name}`).join('\n')}`)
  if (project === 'unit') {
    console.log('\nNot part of this run, because it needs more than Node:')
    for (const [name, needs] of ELSEWHERE) console.log(`  - npm test -- --project ${name}   needs ${needs}`)
  }
  if (code !== 0) printFailures(shown)
  const failed = code === 0 ? 0 : Math.max(1, shown?.numFailedTests ?? 1)
  console.log(`\n${report.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped`)
}
process.exitCode = code

async function runSuite(which: readonly string[]): Promise<{ code: number; report: Report | undefined }> {
  const reportFile = join(tmpdir(), `trainyard-tests-${process.pid}.json`)
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json']
  const { code: exitCode } = await run(tool('vitest'), [...args, `--outputFile.json=${reportFile}`, ...which], {
    // Hundreds of processes run our sources: stripping types is half of what the start of one costs.
    env: { NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node'), ...process.env },
  })
  const text = await readFile(reportFile, 'utf8').catch(() => undefined)
  await rm(reportFile, { force: true })
  return { code: exitCode, report: text === undefined ? undefined : Report.parse(JSON.parse(text)) }
}

/** At the end, where they are looked for: what failed, and the first lines of why. */
function printFailures(of: Report | undefined): void {
  const lines = (of?.testResults ?? []).flatMap((file) => {
    if (file.status !== 'failed') return []
    const tests = file.assertionResults.filter((one) => one.status === 'failed')
    const head = (text: string) => text.split('\n').slice(0, 6).join('\n      ')
    return [
      `  ${relative(process.cwd(), file.name)}`,
      ...tests.map((one) => `    ✗ ${one.fullName}\n      ${head(one.failureMessages?.[0] ?? '')}`),
      ...(tests.length === 0 ? [`      ${head(file.message)}`] : []),
    ]
  })
  console.log(lines.length === 0 ? '\nFailed outside every test: see above.' : `\nFailed:\n${lines.join('\n')}`)
}
