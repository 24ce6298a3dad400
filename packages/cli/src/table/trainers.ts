import { defineCommand, defineRawCommand } from '../command-line/command.ts'
import { argument, choice, flag, number, oneOf, option, optionalArgument } from '../command-line/values.ts'
import { TEMPLATE_NAMES } from '../init/template-name.ts'
import { ADDED_OPERATIONS, OPERATIONS, TARGET_FORMATS } from './choices.ts'
import { jsonOption, registryOptions } from './server-options.ts'

const dir = optionalArgument('DIR', {
  description: 'Folder of the trainer. Default: the current folder',
  completion: { kind: 'folder' },
})

export const init = defineCommand({
  summary: 'Create a trainer',
  description:
    'Creates a trainer that works: a small training, a manifest, tests, a CI workflow, a Dockerfile and sample images. ' +
    'Existing files are not changed.',
  arguments: { dir },
  options: {
    template: choice(TEMPLATE_NAMES, {
      placeholder: 'NAME',
      description:
        'What to start from. plain is Python with trainyard-sdk, python is Python without a library; the others are ' +
        'frameworks of Python',
      fallback: 'typescript',
    }),
    name: option({
      placeholder: 'NAME',
      description: 'Name in the registry: "namespace/name"',
      fallback: 'your GitHub or user name, and the name of the folder',
    }),
    licence: choice(['Apache-2.0', 'MIT'], {
      placeholder: 'ID',
      description: 'Licence of the trainer',
      alias: 'license',
      fallback: 'Apache-2.0; AGPL-3.0-only for ultralytics',
    }),
    force: flag('Overwrite existing files'),
    ...jsonOption,
  },
  examples: ['trainyard init flower-classifier', 'trainyard init --template plain --name acme/flower-classifier'],
  load: () => import('../commands/init.ts'),
})

export const add = defineCommand({
  summary: 'Add the operation predict or export to a trainer',
  description:
    'Writes a program for the operation beside the one that trains, and names it in trainer.json. Existing files are kept, and a ' +
    'trainer that has the operation is not changed. For trainers in TypeScript, JavaScript and Python.',
  arguments: {
    operation: argument('OPERATION', {
      description: 'predict or export',
      parse: oneOf(ADDED_OPERATIONS),
      completion: { kind: 'words', words: ADDED_OPERATIONS },
    }),
    dir,
  },
  options: {
    format: option({
      placeholder: 'NAME',
      description: 'For export: the format to write, such as onnx',
      fallback: 'the first of the manifest, or the checkpoint as it is',
    }),
    ...jsonOption,
  },
  examples: ['trainyard add export', 'trainyard add export --format onnx', 'trainyard add predict ./my-trainer'],
  load: () => import('../commands/add.ts'),
})

export const dev = defineRawCommand({
  summary: 'Run the trainer in this folder without a platform',
  description:
    'Runs an entry point of the trainer in this folder without a platform. Shows progress on the terminal and writes ' +
    'journal and artifacts to ./runs. Passes everything after the operation (default: train) to the trainer, and exits ' +
    'as the trainer does.',
  arguments: {
    operation: optionalArgument('OPERATION', {
      description: 'train, predict or export. Default: train',
      completion: { kind: 'words', words: OPERATIONS },
    }),
  },
  usage: '[OPERATION] [arguments of the trainer]',
  examples: [
    'trainyard dev',
    'trainyard dev train --dataset ./shapes --epochs 3',
    'trainyard dev export --format onnx',
  ],
  load: () => import('../commands/dev.ts'),
})

export const exec = defineRawCommand({
  summary: 'Run a program in any language as a trainer',
  description:
    'Runs a program in any language as a trainer. The program reads its job from the JSON file that TRAINYARD_JOB_FILE ' +
    'names (settings, dataset folder, work folder, operation, model, checkpoint) and writes one JSON event per line to ' +
    'the named pipe whose path is in TRAINYARD_EVENTS. What it prints becomes log events. A cancelled job ' +
    'gets SIGTERM. Exit code 0 means success, 3 invalid settings or dataset (not retried), any other code a failure.',
  usage: '[options] [local run] -- PROGRAM [ARGUMENTS]',
  options: {
    as: choice(TARGET_FORMATS, {
      placeholder: 'FORMAT',
      description: 'Format in which the program reads the dataset',
      fallback: 'imagefolder for classification, else dice',
    }),
    own: flag('Copy the dataset to the work folder, for a program that writes among its files'),
    pixels: choice(['gray', 'rgb'], {
      placeholder: 'KIND',
      description:
        'Also provide images as numbers: "pixelsFile" in the job file names a file of JSON lines. Images other than PNG ' +
        'require the package sharp',
    }),
    grace: number({
      placeholder: 'SECONDS',
      description: 'Time from SIGTERM to SIGKILL',
      min: 0,
      max: 3600,
      fallback: '15',
    }),
    'allow-nan': flag('Accept a loss of NaN. Without it, NaN fails the job'),
  },
  notes: `Events, for example:
  {"type":"progress","epoch":1,"metrics":{"loss":0.4}}
  {"type":"checkpoint","name":"best","file":"/path/to/best.bin"}
The guide docs/guides/any-language.md lists all events.

Local runs:
  On a platform, the environment describes the job. Without one, the arguments before -- do: train,
  predict or export, --dataset DIR, --images DIR, --checkpoint FILE, --epochs N and other settings.`,
  examples: [
    'trainyard exec -- python3 train.py',
    'trainyard exec train --dataset ./flowers --epochs 3 -- python3 train.py',
    'trainyard exec predict --images ./pictures --checkpoint runs/1/best.json -- python3 train.py',
  ],
  load: () => import('../commands/exec.ts'),
})

export const build = defineCommand({
  summary: 'Build the image of a trainer, with or without a container engine',
  description:
    'Builds the image of a trainer from its folder. No Dockerfile is needed. The image has the layers of a base image, one with the ' +
    'packages that "runtime" of trainer.json declares, and one with the trainer. The same folder gives the same digest. With a ' +
    'container engine, the base image can be one of the engine, and the engine gets the result as NAME:VERSION. Without one, the base ' +
    'image comes from its registry (with the credentials of "docker login") or from an OCI layout, and the result is an OCI layout, ' +
    'or is pushed. Packages must be locked by hashes and have wheels; they are installed by uv for the Python of the base image.',
  arguments: { dir },
  options: {
    base: option({
      placeholder: 'IMAGE',
      description: 'Base image: NAME:TAG, NAME@sha256:…, an OCI layout, or an archive of "docker save"',
      fallback: 'the official image of a Python that fits, such as python:3.12-slim-bookworm',
    }),
    output: option({
      placeholder: 'DIR',
      description: 'Write the image as an OCI layout to this folder, and not to the engine',
      completion: { kind: 'folder' },
    }),
    push: flag('Push the image to the registry as the version of trainer.json, and follow its checks'),
    'no-engine': flag('Do not use a container engine, even if one answers'),
    platform: choice(['linux/amd64', 'linux/arm64'], {
      placeholder: 'PLATFORM',
      description: 'Platform of the image',
      fallback: 'that of this machine',
    }),
    unlocked: flag('Accept packages without hashes. The image then depends on the day of its build'),
    ...registryOptions,
  },
  exitCodes: { 0: 'built (with --push: published)', 1: 'rejected' },
  examples: [
    'trainyard build',
    'trainyard build --output ./image --no-engine',
    'trainyard build ./my-trainer --base python:3.11-slim@sha256:… --push --url http://127.0.0.1:7600',
  ],
  load: () => import('../commands/build.ts'),
})

export const publish = defineCommand({
  summary: 'Push a trainer to a registry and follow its checks',
  description:
    'Packs a trainer, pushes it to a registry and follows its acceptance checks. Excluded are node_modules, .git, runs, ' +
    '.trainyard, .env, and the patterns of .trainyardignore (as in .gitignore). The token needs the scope ' +
    'push:NAMESPACE. In a job of a CI that is a publisher of the trainer, no token is needed: the OIDC token of the job is ' +
    'exchanged for one (GitHub: "permissions: id-token: write"; others: TRAINYARD_ID_TOKEN).',
  arguments: { dir },
  options: { 'no-wait': flag('Do not wait for the checks'), ...registryOptions },
  exitCodes: { 0: 'published (with --no-wait: pushed)', 1: 'rejected' },
  examples: [
    'trainyard publish',
    'trainyard publish ./my-trainer --url http://127.0.0.1:7600',
    'TRAINYARD_TOKEN_FILE=~/.trainyard-token trainyard publish --json',
  ],
  load: () => import('../commands/publish.ts'),
})

export const checks = defineCommand({
  summary: 'Show pushes, or follow the checks of one',
  description:
    'Without an id, lists the pushes to your namespaces, newest first, also those of docker push. With the id of a check, ' +
    'shows its findings and follows it until the verdict. The token needs the scope pull:NAMESPACE or push:NAMESPACE.',
  arguments: {
    id: optionalArgument('ID', {
      description: 'Id of a check, as "trainyard checks" and "trainyard publish" print it',
    }),
  },
  options: registryOptions,
  exitCodes: { 0: 'published (without an id: listed)', 1: 'rejected' },
  examples: ['trainyard checks', 'trainyard checks chk_01hzy3v7k8 --json'],
  load: () => import('../commands/checks.ts'),
})

export const doctor = defineCommand({
  summary: 'Check this machine, the login and the trainer in this folder',
  description:
    'Explains what is wrong and what to do. Checks the machine (Node.js, npm, Python, uv, Docker, sandbox, disk), the trainer ' +
    '(manifest, programs, lock file, packages), the network (proxy, certificate authorities, TLS) and the servers (address, ' +
    'version, clock, token and its scopes). Shows every setting and its source. Secrets are masked.',
  arguments: { dir },
  options: jsonOption,
  exitCodes: { 0: 'no problems', 1: 'problems' },
  examples: [
    'trainyard doctor',
    'TRAINYARD_RUNNER=http://127.0.0.1:7600 trainyard doctor ./my-trainer',
    'trainyard doctor --json',
  ],
  load: () => import('../commands/doctor.ts'),
})

const version = argument('VERSION', { description: 'A published version: NAMESPACE/NAME@VERSION' })

export const deprecate = defineCommand({
  summary: 'Mark a published version as one that should not be used',
  description:
    'Users who pull or view the version are warned, and ranges prefer other versions. It can still be pulled.',
  arguments: { version },
  options: {
    message: option({ placeholder: 'TEXT', description: 'Why it should not be used' }),
    use: option({ placeholder: 'VERSION', description: 'What to use in its place: a version, or NAMESPACE/NAME' }),
    undo: flag('Withdraw the deprecation'),
    ...registryOptions,
  },
  examples: [
    'trainyard deprecate acme/yolo@1.2.0 --message "loses the last class" --use 1.2.1',
    'trainyard deprecate acme/yolo@1.2.0 --undo',
  ],
  load: () => import('../commands/versions/deprecate.ts'),
})

export const yank = defineCommand({
  summary: 'Hide a published version',
  description: 'No range, tag or channel finds a yanked version. Pulls by digest go on, so nothing that runs breaks.',
  arguments: { version },
  options: {
    reason: option({ placeholder: 'TEXT', description: 'Why it is hidden' }),
    undo: flag('Show the version again'),
    ...registryOptions,
  },
  examples: ['trainyard yank acme/yolo@1.2.0 --reason "contains a key"', 'trainyard yank acme/yolo@1.2.0 --undo'],
  load: () => import('../commands/versions/yank.ts'),
})

export const channel = defineCommand({
  summary: 'Point a channel such as stable to a version',
  description:
    'A channel is a name that stands for a version: acme/yolo@stable. "latest" is the highest release and "next" the ' +
    'highest version, unless they are set.',
  arguments: { channel: argument('CHANNEL', { description: 'Lower-case letters, digits and hyphens' }), version },
  options: { undo: flag('Remove the channel. VERSION can then be NAMESPACE/NAME'), ...registryOptions },
  examples: ['trainyard channel stable acme/yolo@1.2.0', 'trainyard channel stable acme/yolo --undo'],
  load: () => import('../commands/versions/channel.ts'),
})
