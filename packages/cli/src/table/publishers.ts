import { defineCommand, defineGroup } from '../command-line/command.ts'
import { argument, argumentList, option } from '../command-line/values.ts'
import { registryOptions } from './server-options.ts'

const trainer = argument('TRAINER', { description: 'NAMESPACE/NAME' })
const ID = 'Id of a publisher, as "trainyard publishers ls" shows it'

const list = defineCommand({
  summary: 'List the publishers of a trainer',
  description:
    'Lists the repositories whose jobs may publish a trainer, what their jobs must be, and their last use or refusal. The ' +
    'token needs the scope pull:NAMESPACE.',
  arguments: { trainer },
  options: registryOptions,
  examples: ['trainyard publishers ls acme/yolo'],
  load: () => import('../commands/publishers/ls.ts'),
})

const add = defineCommand({
  summary: 'Let the jobs of a repository publish a trainer',
  description:
    'Lets the jobs of a repository publish a trainer, which need not exist yet. At least one of --workflow, --environment ' +
    'and --ref is required. You need the role admin in the namespace, and the token the scope admin:NAMESPACE.',
  arguments: { trainer },
  options: {
    issuer: option({
      placeholder: 'NAME',
      description: 'The CI: github, gitlab, or another that the operator configured',
      fallback: 'github',
    }),
    repository: option({ placeholder: 'OWNER/NAME', description: 'The repository. Required' }),
    workflow: option({ placeholder: 'FILE', description: 'File of the workflow: release.yml or .gitlab-ci.yml' }),
    environment: option({ placeholder: 'NAME', description: 'The environment in which the job runs' }),
    ref: option({ placeholder: 'REF', description: "Branch or tag: 'refs/tags/v*'. * stands for anything but /" }),
    'repository-id': option({
      placeholder: 'NUMBER',
      description: 'Number of the repository',
      fallback: 'that of the first job that matches',
    }),
    'owner-id': option({
      placeholder: 'NUMBER',
      description: 'Number of the owner of the repository',
      fallback: 'that of the first job that matches',
    }),
    ...registryOptions,
  },
  examples: [
    "trainyard publishers add acme/yolo --repository acme/yolo --ref 'refs/tags/v*'",
    'trainyard publishers add acme/yolo --issuer gitlab --repository acme/yolo --environment production',
  ],
  load: () => import('../commands/publishers/add.ts'),
})

const test = defineCommand({
  summary: 'Test a publisher, or whether a job may publish',
  description:
    'Tests the connection to the issuer. With the OIDC token of a job in TRAINYARD_ID_TOKEN, says what keeps that job from ' +
    'publishing; the token can still be used. You need the role admin in the namespace, and the token the scope ' +
    'admin:NAMESPACE.',
  arguments: { trainer, id: argument('ID', { description: ID }) },
  options: registryOptions,
  exitCodes: { 0: 'it works', 1: 'it does not' },
  examples: ['trainyard publishers test acme/yolo pub_01jd0example'],
  load: () => import('../commands/publishers/test.ts'),
})

const remove = defineCommand({
  summary: 'Remove publishers',
  description:
    'Removes publishers. The tokens that they were given end at once. You need the role admin in the namespace, and the ' +
    'token the scope admin:NAMESPACE.',
  arguments: { trainer, ids: argumentList('ID', { description: ID }) },
  options: registryOptions,
  examples: ['trainyard publishers rm acme/yolo pub_01jd0example'],
  load: () => import('../commands/publishers/rm.ts'),
})

export const publishers = defineGroup({
  summary: 'Let jobs of a CI publish a trainer without a stored secret',
  description:
    'A publisher is a repository whose jobs may push versions of a trainer. Jobs prove themselves with an OIDC token.',
  examples: [
    "trainyard publishers add acme/yolo --repository acme/yolo --ref 'refs/tags/v*'",
    'trainyard publishers ls acme/yolo',
  ],
  commands: { ls: list, add, test, rm: remove },
})
