import { createCommandGroup } from '../command-group.ts'

export const command = createCommandGroup({
  name: 'tokens',
  usage: '[options]',
  subcommands: {
    ls: { summary: 'Your tokens, newest first', load: () => import('./tokens/ls.ts') },
    create: { summary: 'Make a token for a program', load: () => import('./tokens/create.ts') },
    revoke: { summary: 'End tokens at once', load: () => import('./tokens/revoke.ts') },
  },
  about: `A token lets a program work for you: never with more than you may, and no more than its scopes say.
The help of a command: trainyard tokens create --help

Examples:
  trainyard tokens create nightly --scope jobs:write --days 90
  trainyard tokens ls
`,
})
