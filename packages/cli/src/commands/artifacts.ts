import { createCommandGroup } from '../command-group.ts'

export const command = createCommandGroup({
  name: 'artifacts',
  usage: 'JOB [options]',
  subcommands: {
    ls: { summary: 'The files of a job', load: () => import('./artifacts/ls.ts') },
    pull: { summary: 'Download files of a job', load: () => import('./artifacts/pull.ts') },
  },
  about: `JOB is the number of a job, as "trainyard jobs ls" shows it.

Examples:
  trainyard artifacts ls 42
  trainyard artifacts pull 42 --kind checkpoint --to ./models
`,
})
