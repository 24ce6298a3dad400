/** `npm run restore -- --from FOLDER --data DIR`: a platform from a backup. */

import { restoreBackup } from './backup/restore-backup.ts'
import { runBackupCommand } from './backup/run-command.ts'
import { createTerminal } from './lib/terminal.ts'

const HELP = `Usage: npm run restore -- --from FOLDER [--data DIR]

Checks a backup and restores it into an empty data folder.

Options:
  --from FOLDER   folder that "npm run backup" wrote
  --data DIR      new data folder (default .trainyard, or TRAINYARD_DATA_DIR)

DATABASE_URL and S3_ENDPOINT … as for npm start (docs/guides/back-up-and-restore.md).`

process.exitCode = await runBackupCommand({
  help: HELP,
  backup: 'from',
  terminal: createTerminal(process.stdout),
  args: process.argv.slice(2),
  env: process.env,
  async run({ dataDir, backup, onProgress }) {
    const { createdAt } = await restoreBackup({ from: backup, dataDir, env: process.env, onProgress })
    return `restored the backup of ${createdAt} into ${dataDir}; start it: npm start -- --serve --data ${dataDir}`
  },
})
