import { createCommandGroup } from '../command-group.ts'

export const command = createCommandGroup({
  name: 'datasets',
  usage: '[options]',
  subcommands: {
    push: { summary: 'Upload a folder or an archive', load: () => import('./datasets/push.ts') },
    ls: { summary: 'Datasets of the server, newest first', load: () => import('./datasets/ls.ts') },
    rm: { summary: 'Delete datasets', load: () => import('./datasets/rm.ts') },
  },
  about: `These are the datasets of a server. Tools for files on this machine: trainyard dataset --help
The help of a command: trainyard datasets push --help

Examples:
  trainyard datasets push ./flowers
  trainyard datasets ls --json
`,
})
