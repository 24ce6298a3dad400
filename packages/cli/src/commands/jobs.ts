import { createCommandGroup } from '../command-group.ts'

export const command = createCommandGroup({
  name: 'jobs',
  usage: '[JOB] [options]',
  subcommands: {
    ls: { summary: 'Jobs, newest first', load: () => import('./jobs/ls.ts') },
    show: { summary: 'One job: state, settings, metrics, files', load: () => import('./jobs/show.ts') },
    watch: { summary: 'Follow a job until it ends', load: () => import('./jobs/watch.ts') },
    logs: { summary: 'What a job said; -f follows', load: () => import('./jobs/logs.ts') },
    cancel: { summary: 'Ask jobs to stop', load: () => import('./jobs/cancel.ts') },
    restart: { summary: 'Open a new attempt of a job that has ended', load: () => import('./jobs/restart.ts') },
    rm: { summary: 'Delete jobs that have ended, with their files', load: () => import('./jobs/rm.ts') },
  },
  about: `JOB is the number of a job, as "trainyard jobs ls" shows it.
The help of a command: trainyard jobs logs --help

Examples:
  trainyard jobs ls --state running
  trainyard jobs logs 42 -f
  trainyard jobs cancel 42
`,
})
