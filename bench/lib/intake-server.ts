/** A runner in a process of its own, with open attempts: `intake-server.ts JOBS`; sends `{url, jobs}` to its parent. */
import { noLauncher, openJournal, startHarness } from '../../packages/runner/src/testing/harness.ts'

const harness = await startHarness({
  runner: { launcher: noLauncher },
  config: { heartbeatSeconds: 15, heartbeatTimeoutSeconds: 60 },
})
await harness.runner.context.hub.start()
const jobs: { id: number; authorization: string }[] = []
for (let count = 0; count < Number(process.argv[2]); count++) {
  const { jobId, authorization } = await openJournal(harness)
  jobs.push({ id: jobId, authorization })
}
process.send?.({ url: harness.url, jobs })
process.once('disconnect', () => void harness.close().finally(() => process.exit(0)))
