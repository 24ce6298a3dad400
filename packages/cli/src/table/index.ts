import type { Program } from '../command-line/command.ts'
import { completionCommand } from '../command-line/completion-command.ts'
import { login, logout, open, tokens } from './account.ts'
import { cache, dataset, datasets } from './datasets.ts'
import { artifacts, jobs, predict, run } from './jobs.ts'
import { JSON_DOCUMENTS } from './json-documents.ts'
import { ownership, rescans, webhooks } from './notifications.ts'
import { publishers } from './publishers.ts'
import { add, build, channel, checks, deprecate, dev, doctor, exec, init, publish, yank } from './trainers.ts'

/** The command line: parsing, help and completion are made of this table. */
export const PROGRAM: Program = {
  name: 'trainyard',
  summary: 'Write, check, publish and run trainers.',
  commands: {
    run,
    jobs,
    artifacts,
    predict,
    datasets,
    dataset,
    init,
    add,
    dev,
    exec,
    build,
    publish,
    checks,
    deprecate,
    yank,
    channel,
    publishers,
    webhooks,
    ownership,
    rescans,
    login,
    open,
    logout,
    tokens,
    cache,
    doctor,
    completion: completionCommand(() => PROGRAM),
  },
  sections: {
    'Train models': ['run', 'jobs', 'artifacts', 'predict', 'datasets', 'dataset'],
    'Write trainers': [
      'init',
      'add',
      'dev',
      'exec',
      'build',
      'publish',
      'checks',
      'deprecate',
      'yank',
      'channel',
      'publishers',
      'webhooks',
      'ownership',
    ],
    'Account and machine': ['login', 'open', 'logout', 'tokens', 'rescans', 'cache', 'doctor', 'completion'],
  },
  environment: {
    TRAINYARD_RUNNER: 'Address of the runner. Default: TRAINYARD_REGISTRY',
    TRAINYARD_REGISTRY: 'Address of the registry',
    TRAINYARD_TOKEN: 'Token for both',
    TRAINYARD_TOKEN_FILE: 'File that contains the token',
    TRAINYARD_ID_TOKEN:
      'OIDC token of a CI job, which "publish" exchanges for a token to push with, and "publishers test" tests',
    NO_COLOR: 'If set, print without colours',
    HTTPS_PROXY: 'Proxy for https, such as http://proxy:3128. HTTP_PROXY is the one for http',
    NO_PROXY: 'Hosts that are reached without the proxy, separated by commas',
    NODE_EXTRA_CA_CERTS: 'PEM file of further certificate authorities to trust',
  },
  exitCodes: {
    0: 'success',
    1: 'the command worked, but the result is negative: a job failed, a trainer was rejected, a check found errors',
    2: 'wrong usage: unknown command or option, missing or invalid value',
    3: 'failure: the server did not answer or refused, a file could not be read',
    130: 'interrupted by Ctrl-C',
  },
  json: JSON_DOCUMENTS,
}
