import { defineCommand, defineGroup } from '../command-line/command.ts'
import { argument, argumentList, choice, flag, number, option, repeatable } from '../command-line/values.ts'
import { ARTIFACT_KINDS, JOB_STATES, LOG_LEVELS, OPERATIONS, TASK_ALIASES, TASK_TYPES } from './choices.ts'
import { instant, jobId, ratios, trainerReference } from './parsers.ts'
import { serverOptions } from './server-options.ts'

const JOB_DESCRIPTION = 'Number of a job, as "trainyard jobs ls" shows it'
const job = argument('JOB', { description: JOB_DESCRIPTION, parse: jobId })
const jobList = argumentList('JOB', { description: JOB_DESCRIPTION, parse: jobId })

export const run = defineCommand({
  summary: 'Start a job and follow it',
  description: 'Starts a job and follows it to its end. Ctrl-C stops following, not the job.',
  arguments: {
    trainer: argument('TRAINER', {
      description: '"namespace/name", with an optional range of versions: acme/yolo@^1.2',
      parse: trainerReference,
    }),
  },
  options: {
    dataset: option({
      placeholder: 'DATA',
      description:
        'Id of a dataset on the server, ID@NUMBER for a version of it, or a folder or archive on this machine, ' +
        'which is uploaded first',
      completion: { kind: 'file' },
    }),
    set: repeatable({ placeholder: 'NAME=VALUE', description: 'Set a setting of the trainer, for example epochs=20' }),
    preset: option({ placeholder: 'NAME', description: "One of the trainer's presets. --set overrides it" }),
    model: option({ placeholder: 'NAME', description: "One of the trainer's models", fallback: 'its first' }),
    task: choice(TASK_TYPES, {
      placeholder: 'TASK',
      description: 'Task to train for',
      fallback: "the dataset's",
      aliases: TASK_ALIASES,
    }),
    operation: choice(OPERATIONS, { placeholder: 'NAME', description: 'What to run', fallback: 'train' }),
    checkpoint: option({
      placeholder: 'ID',
      description: 'Artifact to start from, to predict with or to export',
    }),
    format: option({ placeholder: 'NAME', description: 'With --operation export: format of the exported model' }),
    project: option({
      placeholder: 'NAME',
      description: '"organisation/project"',
      fallback: "the dataset's, or your first one",
    }),
    queue: option({ placeholder: 'NAME', description: "One of the server's queues", fallback: 'default' }),
    split: option({
      placeholder: 'T/V/T',
      description: 'Shares of train, val and test for this job, for example 0.8/0.1/0.1',
      fallback: "the dataset's splits",
      parse: ratios,
    }),
    stratify: flag('With --split: the same shares for every class'),
    name: option({ placeholder: 'TEXT', description: 'Name of the job' }),
    priority: number({
      placeholder: 'N',
      description: 'From -100 to 100. Jobs of a higher priority start first',
      min: -100,
      max: 100,
      isWhole: true,
      fallback: '0',
    }),
    retries: number({
      placeholder: 'N',
      description: 'How often to retry after a failure, up to 20',
      min: 0,
      max: 20,
      isWhole: true,
      fallback: '0',
    }),
    deadline: number({
      placeholder: 'SECONDS',
      description: 'Maximum duration of an attempt',
      min: 1,
      max: 31_536_000,
      isWhole: true,
      fallback: 'none',
    }),
    key: option({
      placeholder: 'TEXT',
      description: 'Idempotency key. A second call with the same key returns the same job',
    }),
    detach: flag('Do not follow the job', { short: 'd' }),
    ...serverOptions,
  },
  exitCodes: { 0: 'the job succeeded (with --detach: it was created)', 1: 'it failed or was cancelled' },
  examples: [
    'trainyard run trainyard/tfjs-classifier --dataset ./digits --set epochs=5',
    'trainyard run acme/yolo@^1.2 --dataset ds_01jd0example --model n --preset fast --detach --json',
    'trainyard run acme/yolo --operation export --checkpoint art_01jd0example --format onnx',
  ],
  load: () => import('../commands/run.ts'),
})

export const predict = defineCommand({
  summary: 'Predict pictures with a checkpoint of a job',
  description:
    'Sends pictures to a checkpoint of a job and shows what its trainer finds in them. The first picture starts the trainer; ' +
    'it waits some minutes for more.',
  arguments: {
    job,
    pictures: argumentList('PICTURE', { description: 'A PNG, JPEG or WebP of at most 20 MiB' }),
  },
  options: {
    checkpoint: option({
      placeholder: 'ID',
      description: 'One of the checkpoints of the job',
      fallback: 'the best one, else the newest',
    }),
    threshold: number({
      placeholder: 'SHARE',
      description: 'Leave out objects of a lower confidence, from 0 to 1',
      min: 0,
      max: 1,
      fallback: '0',
    }),
    ...serverOptions,
  },
  exitCodes: { 0: 'every picture was predicted', 1: 'one was not' },
  examples: ['trainyard predict 42 cat.jpg', 'trainyard predict 42 *.png --threshold 0.5 --json'],
  load: () => import('../commands/predict.ts'),
})

const list = defineCommand({
  summary: 'List jobs, newest first',
  description: 'Lists jobs, newest first.',
  options: {
    state: choice(JOB_STATES, { placeholder: 'STATE', description: 'Only jobs in this state' }),
    trainer: option({ placeholder: 'NAME', description: 'Only jobs of this trainer: "namespace/name"' }),
    limit: number({
      placeholder: 'N',
      description: 'Maximum number of jobs',
      min: 1,
      max: 100_000,
      isWhole: true,
      default: 20,
    }),
    ...serverOptions,
  },
  examples: ['trainyard jobs ls', 'trainyard jobs ls --state running --json'],
  load: () => import('../commands/jobs/ls.ts'),
})

const show = defineCommand({
  summary: 'Show state, settings, metrics and files of a job',
  description: 'Shows state, settings, latest metrics and files of a job.',
  arguments: { job },
  options: serverOptions,
  examples: ['trainyard jobs show 42', 'trainyard jobs show 42 --json'],
  load: () => import('../commands/jobs/show.ts'),
})

const watch = defineCommand({
  summary: 'Follow a job to its end',
  description: 'Follows a job to its end. Ctrl-C stops following, not the job.',
  arguments: { job },
  options: serverOptions,
  exitCodes: { 0: 'the job succeeded', 1: 'it failed or was cancelled' },
  examples: ['trainyard jobs watch 42'],
  load: () => import('../commands/jobs/watch.ts'),
})

const logs = defineCommand({
  summary: 'Show the log of a job',
  description: 'Shows the log of a job, oldest line first.',
  arguments: { job },
  options: {
    follow: flag('Show new lines until the job ends', { short: 'f' }),
    level: choice(LOG_LEVELS, {
      placeholder: 'LEVEL',
      description: 'Leave out lines below this level',
      fallback: 'debug',
    }),
    search: option({ placeholder: 'TEXT', description: 'Only lines that contain this text' }),
    attempt: number({
      placeholder: 'N',
      description: 'Only lines of this attempt',
      min: 1,
      max: 1_000_000,
      isWhole: true,
    }),
    tail: number({
      placeholder: 'N',
      description: 'Only the last lines',
      min: 0,
      max: 1_000_000,
      isWhole: true,
    }),
    line: number({
      placeholder: 'N',
      description: 'Start at the line with this number. Numbers count all lines, whatever is left out',
      min: 1,
      max: 1_000_000_000,
      isWhole: true,
    }),
    since: option({
      placeholder: 'TIME',
      description: 'Only lines of this time or later: 2026-11-20T09:30:00Z, or a duration before now such as 10m',
      parse: instant,
    }),
    until: option({ placeholder: 'TIME', description: 'Only lines before this time', parse: instant }),
    ...serverOptions,
    json: flag('Print one JSON document per line instead of text'),
  },
  examples: [
    'trainyard jobs logs 42 -f',
    'trainyard jobs logs 42 --tail 100 --since 10m -f',
    'trainyard jobs logs 42 --level warning --search "out of memory"',
  ],
  load: () => import('../commands/jobs/logs.ts'),
})

const cancel = defineCommand({
  summary: 'Ask jobs to stop',
  description: 'Asks jobs to stop. Each finishes its step and saves a checkpoint; after its grace period it is killed.',
  arguments: { jobs: jobList },
  options: serverOptions,
  examples: ['trainyard jobs cancel 42', 'trainyard jobs cancel 42 43 44'],
  load: () => import('../commands/jobs/cancel.ts'),
})

const restart = defineCommand({
  summary: 'Start a new attempt of a finished job',
  description:
    'Starts a new attempt of a finished job, with the same trainer, settings and data. It resumes from the last ' +
    'checkpoint of the job.',
  arguments: { job },
  options: { fresh: flag('Start without the checkpoint'), ...serverOptions },
  examples: ['trainyard jobs restart 42'],
  load: () => import('../commands/jobs/restart.ts'),
})

const remove = defineCommand({
  summary: 'Delete finished jobs and their files',
  description: 'Deletes finished jobs with their events, metrics, logs and files.',
  arguments: { jobs: jobList },
  options: serverOptions,
  examples: ['trainyard jobs rm 42'],
  load: () => import('../commands/jobs/rm.ts'),
})

export const jobs = defineGroup({
  summary: 'List, show, follow, cancel and restart jobs',
  description: 'The jobs of a server.',
  examples: ['trainyard jobs ls --state running', 'trainyard jobs logs 42 -f', 'trainyard jobs cancel 42'],
  commands: { ls: list, show, watch, logs, cancel, restart, rm: remove },
})

const listArtifacts = defineCommand({
  summary: 'List the files of a job',
  description: 'Lists the files of a job.',
  arguments: { job },
  options: serverOptions,
  examples: ['trainyard artifacts ls 42'],
  load: () => import('../commands/artifacts/ls.ts'),
})

const pull = defineCommand({
  summary: 'Download files of a job',
  description:
    'Downloads files of a job and checks their size and SHA-256. Files that are already complete are not downloaded ' +
    'again. If several attempts wrote a file of the same name, the newest is downloaded.',
  arguments: { job },
  options: {
    to: option({
      placeholder: 'DIR',
      description: 'Folder to write to',
      fallback: './job-JOB',
      completion: { kind: 'folder' },
    }),
    kind: choice(ARTIFACT_KINDS, { placeholder: 'KIND', description: 'Only files of this kind' }),
    name: repeatable({ placeholder: 'NAME', description: 'Only the file of this name, for example best.safetensors' }),
    ...serverOptions,
  },
  examples: ['trainyard artifacts pull 42', 'trainyard artifacts pull 42 --name best.safetensors --to ./models'],
  load: () => import('../commands/artifacts/pull.ts'),
})

export const artifacts = defineGroup({
  summary: 'List and download the files of a job',
  description: 'The files of a job: checkpoints, exported models, predictions, plots.',
  examples: ['trainyard artifacts ls 42', 'trainyard artifacts pull 42 --kind checkpoint --to ./models'],
  commands: { ls: listArtifacts, pull },
})
