/** A runner in a process of its own, with open attempts: `intake-server.ts JOBS`; sends `{url, jobs}` to its parent. */
import { noLauncher, openJournal, startHarness } from '../../packages/runner/src/testing/harness.ts'

const harness = await startHarness({
  runner: { launcher: noLauncher },
  config: { heartbeatSeconds: 15, heartbeatTimeoutSeconds: 60 },
})
const { hub, database, tokens } = harness.runner.context
await hub.start()
const { jobId: first } = await openJournal(harness)
// The others are copies of the first: a thousand submissions are not what is measured.
const count = Number(process.argv[2])
for (const [table, key] of [
  ['jobs', 'id'],
  ['attempts', 'job_id'],
] as const) {
  const text = `
    insert into ${table} overriding system value
    select (jsonb_populate_record(null::${table}, to_jsonb(one) || jsonb_build_object('${key}', one.${key} + number))).*
    from ${table} one, generate_series(1, $1::int) number where one.${key} = $2`
  await database.query({ name: `copy-${table}`, text }, [count - 1, first])
}
const jobs: { id: number; authorization: string }[] = []
for (let id = first; id < first + count; id++) {
  const { value } = await tokens.issue({ jobId: id, attempt: 1 })
  jobs.push({ id, authorization: `Bearer ${value}` })
}
process.send?.({ url: harness.url, jobs })
process.once('disconnect', () => void harness.close().finally(() => process.exit(0)))
