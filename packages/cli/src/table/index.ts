import type { Program } from '../command-line/command.ts'
import { completionCommand } from '../command-line/completion-command.ts'
import { login, logout, open, tokens } from './account.ts'
import { cache, dataset, datasets } from './datasets.ts'
import { artifacts, jobs, run } from './jobs.ts'
import { channel, checks, deprecate, dev, doctor, exec, init, publish, yank } from './trainers.ts'

/** The command line: parsing, help and completion are made of this table. */
export const PROGRAM: Program = {
  name: 'trainyard',
  summary: 'Write, check, publish and run trainers.',
  commands: {
    run,
    jobs,
    artifacts,
    datasets,
    dataset,
    init,
    dev,
    exec,
    publish,
    checks,
    deprecate,
    yank,
    channel,
    login,
    open,
    logout,
    tokens,
    cache,
    doctor,
    completion: completionCommand(() => PROGRAM),
  },
  sections: {
    'Train models': ['run', 'jobs', 'artifacts', 'datasets', 'dataset'],
    'Write trainers': ['init', 'dev', 'exec', 'publish', 'checks', 'deprecate', 'yank', 'channel'],
    'Account and machine': ['login', 'open', 'logout', 'tokens', 'cache', 'doctor', 'completion'],
  },
  environment: {
    TRAINYARD_RUNNER: 'Address of the runner. Default: TRAINYARD_REGISTRY',
    TRAINYARD_REGISTRY: 'Address of the registry',
    TRAINYARD_TOKEN: 'Token for both',
    TRAINYARD_TOKEN_FILE: 'File that contains the token',
    NO_COLOR: 'If set, print without colours',
  },
}
