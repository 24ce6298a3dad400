import { defineCommand, defineGroup } from '../command-line/command.ts'
import { argument, argumentList, flag, number, option, repeatable } from '../command-line/values.ts'
import { jsonOption, registryOptions, serverOptions } from './server-options.ts'

export const login = defineCommand({
  summary: 'Save the address of a server, and a token for it',
  description:
    'Saves the address of a server, and a token for it, for later commands. Checks both with the server first. ' +
    'Without an option, the token is that of TRAINYARD_TOKEN or TRAINYARD_TOKEN_FILE. For a server that you started ' +
    'on this machine with AUTH=local, it is found in the data folder and not saved.',
  arguments: {
    url: argument('URL', { description: 'Address of the server, for example http://127.0.0.1:7600' }),
  },
  options: {
    email: option({
      placeholder: 'ADDRESS',
      description: 'Sign in with e-mail and password. The password is read from the terminal or from standard input',
    }),
    'token-stdin': flag('Read the token from the terminal or from standard input'),
    registry: option({
      placeholder: 'URL',
      description: 'Address of the registry, if it is another server',
      fallback: 'URL',
    }),
    ...jsonOption,
  },
  examples: [
    'trainyard login http://127.0.0.1:7600',
    'trainyard login https://trainyard.example.com --email ada@example.com',
    'trainyard login https://trainyard.example.com --token-stdin < token.txt',
  ],
  load: () => import('../commands/login.ts'),
})

export const open = defineCommand({
  summary: 'Print a link that signs a browser in to your own server',
  description:
    'Prints a link that signs a browser in to a server that you started on this machine with AUTH=local. It works once, ' +
    'within ten minutes.',
  options: serverOptions,
  examples: ['trainyard open', 'trainyard open --url http://127.0.0.1:7600'],
  load: () => import('../commands/open.ts'),
})

export const logout = defineCommand({
  summary: 'Remove the saved address and token',
  description:
    'Removes the address and the token that "trainyard login" saved. The token stays valid until it is revoked.',
  options: jsonOption,
  examples: ['trainyard logout'],
  load: () => import('../commands/logout.ts'),
})

const list = defineCommand({
  summary: 'List your tokens, newest first',
  description:
    'Lists your tokens, newest first, with the time of their last use and what created them. Secrets are not shown.',
  options: serverOptions,
  examples: ['trainyard tokens ls', "trainyard tokens ls --json | jq -r '.tokens[] | select(.lastUsedAt == null).id'"],
  load: () => import('../commands/tokens/ls.ts'),
})

const create = defineCommand({
  summary: 'Create a token for a program',
  description: 'Creates a token and prints its secret to standard output. The secret cannot be shown again.',
  arguments: { name: argument('NAME', { description: 'What the token is for, such as nightly' }) },
  options: {
    scope: repeatable({
      placeholder: 'SCOPE',
      description:
        'jobs:read, jobs:write, datasets:read, datasets:write, pull:NAMESPACE, push:NAMESPACE, tokens:manage or ' +
        'admin:ORGANISATION. ' +
        '"*" stands for each of your namespaces or organisations. At least one is required',
    }),
    days: number({
      placeholder: 'N',
      description: 'Number of days until it expires',
      min: 1,
      max: 3650,
      isWhole: true,
      fallback: 'it does not expire, or expires with the token that creates it',
    }),
    organisation: option({ placeholder: 'NAME', description: 'Valid only in this organisation' }),
    project: option({ placeholder: 'NAME', description: 'Valid only in this project: "organisation/project"' }),
    ...serverOptions,
  },
  examples: [
    'trainyard tokens create nightly --scope jobs:write --scope datasets:read --days 90 > token.txt',
    'trainyard tokens create ci --scope push:acme --organisation acme',
  ],
  load: () => import('../commands/tokens/create.ts'),
})

const revoke = defineCommand({
  summary: 'Revoke tokens',
  description: 'Revokes tokens, and the tokens that they created, immediately. Programs that use them are refused.',
  arguments: { ids: argumentList('ID', { description: 'Id of a token, as "trainyard tokens ls" shows it' }) },
  options: serverOptions,
  examples: ['trainyard tokens revoke tok_01jd0example'],
  load: () => import('../commands/tokens/revoke.ts'),
})

const exchange = defineCommand({
  summary: 'Exchange the OIDC token of a job for one that can push',
  description:
    'In a job of a CI that is a publisher of the trainer, prints a token that can push versions of it for an hour: for ' +
    'docker login. "trainyard publish" does this automatically. The OIDC token is the one that GitHub offers with ' +
    '"permissions: id-token: write", or that of TRAINYARD_ID_TOKEN.',
  arguments: { trainer: argument('TRAINER', { description: 'NAMESPACE/NAME' }) },
  options: { url: registryOptions.url, ...jsonOption },
  examples: ['trainyard tokens exchange acme/yolo | docker login hub.example.com -u ci --password-stdin'],
  load: () => import('../commands/tokens/exchange.ts'),
})

export const tokens = defineGroup({
  summary: 'Create, list and revoke your API tokens',
  description: 'A token lets a program act for you. It never has more rights than you, and only those of its scopes.',
  examples: ['trainyard tokens create nightly --scope jobs:write --days 90', 'trainyard tokens ls'],
  commands: { ls: list, create, revoke, exchange },
})
