/**
 * `npm test`: every suite that needs no extra server, then says what was skipped and how to get it.
 * `npm test -- PATTERN` runs the test files whose path holds the pattern.
 */
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { run, tool } from './lib/run.ts'

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({ name: z.string(), assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })) }),
  ),
})

/** What the suites beside the unit tests need, and how to get it. */
const ELSEWHERE = [
  ['s3', 'an S3 server: set S3_ENDPOINT, S3_BUCKET, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  ['docker', 'a Docker engine: start one, or set DOCKER_HOST'],
  ['browser', 'Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH'],
] as const

const args = process.argv.slice(2)
const projectAt = args.indexOf('--project')
const project = projectAt === -1 ? 'unit' : (args[projectAt + 1] ?? '')
const patterns = projectAt === -1 ? args : args.toSpliced(projectAt, 2)
const reportFile = join(tmpdir(), `trainyard-tests-${process.pid}.json`)

const { code } = await run(tool('vitest'), [
  'run',
  '--project',
  project,
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportFile}`,
  ...patterns,
])

const text = await readFile(reportFile, 'utf8').catch(() => undefined)
await rm(reportFile, { force: true })
if (text !== undefined) {
  const report = Report.parse(JSON.parse(text))
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
  console.log(`\n${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped.length} skipped`)
}
process.exitCode = code
