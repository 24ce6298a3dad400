/** `npm run backup -- --data DIR --to FOLDER`: a complete copy of the platform, also while it works. */
import { formatBytes } from '@trainyard/contract/format'
import { createBackup } from './backup/create-backup.ts'
import { runBackupCommand } from './backup/run-command.ts'
import { createTerminal } from './lib/terminal.ts'

const HELP = `Usage: npm run backup -- --to FOLDER [--data DIR]

Copies database and objects into a new folder, also while the platform works.

Options:
  --to FOLDER   folder of the backup; must not exist yet
  --data DIR    data folder of the platform (default .trainyard, or TRAINYARD_DATA_DIR)

DATABASE_URL and S3_ENDPOINT … as for npm start (docs/guides/back-up-and-restore.md).`

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error(`stopped by ${signal}; nothing was kept`)))

process.exitCode = await runBackupCommand({
  help: HELP,
  backup: 'to',
  terminal: createTerminal(process.stdout),
  args: process.argv.slice(2),
  env: process.env,
  async run({ dataDir, backup, onProgress }) {
    const { databases, objects } = await createBackup({
      dataDir,
      to: backup,
      env: process.env,
      signal: abort.signal,
      onProgress,
    })
    const rows = databases.flatMap(({ tables }) => tables).reduce((sum, table) => sum + table.rows, 0)
    return `backed up ${rows} rows and ${objects.count} objects (${formatBytes(objects.sizeBytes)}) to ${backup}`
  },
})
