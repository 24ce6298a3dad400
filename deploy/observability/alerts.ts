/** The source of the alert rules and of their runbooks: `npm run docs` writes `deploy/observability/alerts.yml` and `docs/runbooks/`. */
export interface Alert {
  name: string
  expr: string
  /** How long it must hold. */
  for: string
  severity: 'page' | 'ticket'
  summary: string
  /** The runbook: what users notice, where to look, and what to do. */
  meaning: string
  look: readonly string[]
  act: readonly string[]
}

export const ALERTS: readonly Alert[] = [
  {
    name: 'TrainyardServerDown',
    expr: 'up{job=~"trainyard.*"} == 0',
    for: '2m',
    severity: 'page',
    summary: 'A server does not answer Prometheus',
    meaning:
      'One replica of a server does not answer. With others, users notice nothing; trainers go on, and keep what they report until a runner takes it.',
    look: [
      'The log of the server: its last line says why it ended. A wrong setting is named with its value.',
      '`kubectl describe pod`: killed for memory, or a node that is gone?',
      '401 or 403 in the page "Targets" of Prometheus: `METRICS_TOKEN` differs.',
    ],
    act: [
      'Start it again, or repair the setting that it names.',
      'Killed for memory: raise the limit, and see the panel "Memory".',
    ],
  },
  {
    name: 'TrainyardDatabaseDown',
    expr: 'min by (job, instance) ({__name__=~"trainyard_database_up|trainyard_registry_database_up"}) == 0',
    for: '1m',
    severity: 'page',
    summary: 'The database does not answer',
    meaning:
      'Requests are answered with 503 and `Retry-After`. Trainings go on; their reports wait in their spools and arrive afterwards. No job ends because of it within its heartbeat limit.',
    look: [
      'Is PostgreSQL up, and does it accept connections: `psql "$DATABASE_URL" -c "select 1"`?',
      'Is its disk full?',
    ],
    act: [
      'Start it, or promote its replica and change `DATABASE_URL`. The servers reconnect without a restart when the address stays the same.',
    ],
  },
  {
    name: 'TrainyardConnectionsExhausted',
    expr: 'max by (job, instance) ({__name__=~"trainyard_database_connections|trainyard_registry_database_connections", state="waiting"}) > 5',
    for: '5m',
    severity: 'ticket',
    summary: 'Requests wait for a connection to the database',
    meaning: 'Answers are slow, because all connections of a server are in use.',
    look: ['`select state, wait_event_type, query from pg_stat_activity` in PostgreSQL: slow statements, or locks?'],
    act: [
      'Add a replica of the server, if PostgreSQL has connections left.',
      'A single slow statement: report it with its plan.',
    ],
  },
  {
    name: 'TrainyardQueueStuck',
    expr: 'max by (queue) (trainyard_jobs{state="queued"}) > 0 and on () sum(increase(trainyard_lease_claims_total{kind="queued"}[30m])) == 0',
    for: '30m',
    severity: 'page',
    summary: 'Jobs are queued, and none was started for 30 minutes',
    meaning: 'Users wait. All places can be taken by long trainings, which is no fault, or no runner serves the queue.',
    look: [
      'Running jobs: is `MAX_CONCURRENT_JOBS`, or the `maxConcurrent` of the queue, reached?',
      '`SERVED_QUEUES` of the runners: does one serve this queue?',
      'The log of the runner: does it fail to launch?',
    ],
    act: ['Add places or a runner.', 'Launches that fail: see the alert for those.'],
  },
  {
    name: 'TrainyardLaunchesFail',
    expr: 'sum by (launcher) (rate(trainyard_launch_seconds_count{outcome="error"}[15m])) > 0.2 * sum by (launcher) (rate(trainyard_launch_seconds_count[15m]))',
    for: '15m',
    severity: 'page',
    summary: 'More than a fifth of all launches fail',
    meaning: 'Jobs are tried again with growing pauses, and fail when their retries are used up.',
    look: [
      'The pages of the last failed jobs: the end of an attempt has the reason, such as an image that cannot be pulled.',
      'Docker, or the API server of the cluster: do they answer?',
    ],
    act: ['Repair what the reason names. Jobs in their retries continue automatically.'],
  },
  {
    name: 'TrainyardAttemptsLost',
    expr: 'sum(increase(trainyard_attempts_ended_total{reason=~"heartbeat_lost|node_lost|platform_unreachable"}[1h])) > 5',
    for: '5m',
    severity: 'ticket',
    summary: 'More than five attempts were lost within an hour',
    meaning: 'Trainers stopped reporting, or their machines went away. Their jobs start again at the last checkpoint.',
    look: [
      'Do trainers reach `CALLBACK_PUBLIC_URL` from where they run? A policy of the network can have changed.',
      'The nodes: restarts, preemption, memory.',
    ],
    act: [
      'Restore the connection, or the nodes.',
      'Preemption that is expected: let trainers store checkpoints more often.',
    ],
  },
  {
    name: 'TrainyardIntakeSlow',
    expr: 'histogram_quantile(0.95, sum by (le) (rate(trainyard_intake_request_seconds_bucket[5m]))) > 1',
    for: '10m',
    severity: 'ticket',
    summary: 'Reports of trainers take more than a second (p95)',
    meaning: 'Trainers do not wait for their reports, so trainings are not slower. Live curves lag.',
    look: [
      'The panels "Stored per second" and "Event loop delay": more reports than usual, or one that sends far too many?',
      'Is PostgreSQL slow to write?',
    ],
    act: ['Add a replica of the runner; if PostgreSQL is the limit, a faster disk.'],
  },
  {
    name: 'TrainyardIntakeThrottled',
    expr: 'sum(rate(trainyard_intake_throttled_total[10m])) > 1',
    for: '10m',
    severity: 'ticket',
    summary: 'Reports of trainers are answered with 429',
    meaning: 'Nothing is lost: trainers keep their reports and send them later. Their journals lag behind.',
    look: ['One job with far more events than others, or rows that wait for a slow database?'],
    act: ['Ask the author of the trainer to report less often.', 'Or add a replica of the runner.'],
  },
  {
    name: 'TrainyardChecksWait',
    expr: 'max(trainyard_registry_check_wait_seconds) > 1800',
    for: '5m',
    severity: 'ticket',
    summary: 'A pushed version has waited for its checks for 30 minutes',
    meaning: 'Authors wait for their versions to be published.',
    look: [
      'Does a registry run, with `REGISTRY_CHECK_CONCURRENCY` above 0?',
      'A check that is tried again says why on the page of its push, such as a sandbox that this machine lacks.',
    ],
    act: ['Add a replica of the registry.', 'Repair what the page of the push names.'],
  },
  {
    name: 'TrainyardScannersMissing',
    expr: 'sum by (check) (max by (check, status) (trainyard_registry_check_results{check=~"malware|vulnerabilities", status=~"skipped|errored"})) > 0',
    for: '1h',
    severity: 'ticket',
    summary: 'Versions were published without a scan for malware or vulnerabilities',
    meaning:
      'The scanner is not configured, does not answer, or its database is older than `REGISTRY_SCANNER_DATABASE_DAYS`. The pages of the versions show it.',
    look: ['The reason of the check on the page of a push.'],
    act: [
      'Repair the scanner, or update its database, and check the versions again.',
      'Without scanners on purpose: take the check out of `REGISTRY_CHECKS_ENABLED`, and silence this alert.',
    ],
  },
  {
    name: 'TrainyardBackendFails',
    expr: 'max by (backend) (trainyard_observability_experiments{state="failing"}) > 0',
    for: '10m',
    severity: 'ticket',
    summary: 'A backend of observability does not take what it is sent',
    meaning: 'Jobs are not affected. The backend gets everything later, up to seven days after the end of a job.',
    look: ['`experiments` of a job in the API has the last error of each backend.', 'The panel "Circuit open".'],
    act: ['Start the backend, or renew its credentials.'],
  },
  {
    name: 'TrainyardEventLoopSlow',
    expr: 'max by (job, instance) (nodejs_eventloop_lag_p99_seconds{job=~"trainyard.*"}) > 0.5',
    for: '10m',
    severity: 'ticket',
    summary: 'A server needs more than half a second to turn to a request (p99)',
    meaning: 'All requests of this server are slow.',
    look: ['The panel "CPU": a core that is full, or a machine that is?'],
    act: ['Add a replica, or give the pods more CPU.'],
  },
]

const RULES = 'deploy/observability/alerts.yml'
const SITE = 'https://github.com/trainyard/trainyard/blob/main'

/** The alert rules and the runbooks, by path. */
export function alertFiles(): Map<string, string> {
  const files = new Map([[RULES, rules()]])
  for (const alert of ALERTS) files.set(`docs/runbooks/${alert.name}.md`, runbook(alert))
  const rows = ALERTS.map(({ name, severity, summary }) => `| [${name}](${name}.md) | ${severity} | ${summary} |`)
  files.set(
    'docs/runbooks/README.md',
    `# Runbooks\n\nOne page for each alert of [\`alerts.yml\`](../../${RULES}), which is for Prometheus. *page* wakes someone, *ticket* waits for the morning.\n\n| alert | severity | in one line |\n|---|---|---|\n${rows.join('\n')}\n`,
  )
  return files
}

function rules(): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const all = ALERTS.map(
    ({ name, expr, for: time, severity, summary }) => `      - alert: ${name}
        expr: ${quoted(expr)}
        for: ${time}
        labels: { severity: ${severity} }
        annotations:
          summary: ${quoted(summary)}
          runbook_url: ${SITE}/docs/runbooks/${name}.md
`,
  )
  return `# Generated from alerts.ts by \`npm run docs\`.\ngroups:\n  - name: trainyard\n    rules:\n${all.join('')}`
}

function runbook({ name, expr, for: time, severity, summary, meaning, look, act }: Alert): string {
  const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n')
  return `# ${name}

${summary}. Severity: *${severity}*.

\`\`\`promql
${expr}
\`\`\`

It fires when this holds for ${time}.

## What it means

${meaning}

## Where to look

${list(look)}

## What to do

${list(act)}
`
}
