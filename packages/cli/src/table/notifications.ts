import { defineCommand, defineGroup } from '../command-line/command.ts'
import { argument, argumentList, choice, option, repeatable } from '../command-line/values.ts'
import { RESCANNED_CHECKS, WEBHOOK_TOPICS } from './choices.ts'
import { registryOptions } from './server-options.ts'

const namespace = argument('NAMESPACE', { description: "The part of a trainer's name before the slash" })
const ADMIN = 'You need the role admin in the namespace, and the token the scope admin:NAMESPACE.'
const webhook = { description: 'Id of a webhook, as "trainyard webhooks ls" shows it' }
const proof = { description: 'Id of a proof, as "trainyard ownership ls" shows it' }

const listWebhooks = defineCommand({
  summary: 'List the webhooks of a namespace',
  description: `Lists the addresses that are notified, and whether deliveries reach them. ${ADMIN}`,
  arguments: { namespace },
  options: registryOptions,
  examples: ['trainyard webhooks ls acme'],
  load: () => import('../commands/webhooks/ls.ts'),
})

const addWebhook = defineCommand({
  summary: 'Notify an address of what happens to the trainers of a namespace',
  description:
    'Adds an address that gets a signed request for each event, and prints the secret of the signatures to standard output. ' +
    `The secret cannot be shown again. ${ADMIN}`,
  arguments: { namespace, address: argument('ADDRESS', { description: 'https://…' }) },
  options: {
    event: repeatable({
      placeholder: 'EVENT',
      description: `${WEBHOOK_TOPICS.slice(0, -1).join(', ')} or ${WEBHOOK_TOPICS.at(-1)}`,
      fallback: 'every event',
      completion: { kind: 'words', words: WEBHOOK_TOPICS },
    }),
    description: option({ placeholder: 'TEXT', description: 'What the address is for' }),
    ...registryOptions,
  },
  examples: [
    'trainyard webhooks add acme https://hooks.acme.example/trainyard > secret.txt',
    'trainyard webhooks add acme https://hooks.acme.example/trainyard --event version.finding',
  ],
  load: () => import('../commands/webhooks/add.ts'),
})

const removeWebhooks = defineCommand({
  summary: 'Remove webhooks',
  description: `Removes webhooks and their deliveries. ${ADMIN}`,
  arguments: { namespace, ids: argumentList('ID', webhook) },
  options: registryOptions,
  examples: ['trainyard webhooks rm acme whk_01jd0example'],
  load: () => import('../commands/webhooks/rm.ts'),
})

const rotate = defineCommand({
  summary: 'Replace the secret of a webhook',
  description: `Prints a new secret to standard output. For a day, deliveries are signed with the old one as well. ${ADMIN}`,
  arguments: { namespace, id: argument('ID', webhook) },
  options: registryOptions,
  examples: ['trainyard webhooks rotate acme whk_01jd0example > secret.txt'],
  load: () => import('../commands/webhooks/rotate.ts'),
})

const SENT = { 0: 'it was delivered', 1: 'it was not delivered' }

const testWebhook = defineCommand({
  summary: 'Send a test to a webhook',
  description:
    'Sends an event of no trainer, and waits for the answer. When it succeeds, an address that was given up gets deliveries ' +
    `again. ${ADMIN}`,
  arguments: { namespace, id: argument('ID', webhook) },
  options: registryOptions,
  exitCodes: SENT,
  examples: ['trainyard webhooks test acme whk_01jd0example'],
  load: () => import('../commands/webhooks/test.ts'),
})

const deliveries = defineCommand({
  summary: 'List the last deliveries of a webhook',
  description: `Lists the last 100 deliveries, newest first, with the last answer to each. ${ADMIN}`,
  arguments: { namespace, id: argument('ID', webhook) },
  options: registryOptions,
  examples: [
    'trainyard webhooks deliveries acme whk_01jd0example',
    "trainyard webhooks deliveries acme whk_01jd0example --json | jq '.deliveries[].lastTry.status'",
  ],
  load: () => import('../commands/webhooks/deliveries.ts'),
})

const replay = defineCommand({
  summary: 'Send a delivery again',
  description: `Sends a delivery again, with the same id and body, and waits for the answer. ${ADMIN}`,
  arguments: {
    namespace,
    id: argument('ID', webhook),
    delivery: argument('DELIVERY', { description: 'Id of a delivery, as "trainyard webhooks deliveries" shows it' }),
  },
  options: registryOptions,
  exitCodes: SENT,
  examples: ['trainyard webhooks replay acme whk_01jd0example msg_01jd0example'],
  load: () => import('../commands/webhooks/replay.ts'),
})

export const webhooks = defineGroup({
  summary: 'Notify addresses of what happens to the trainers of a namespace',
  description:
    'A webhook is an address that gets a request when a version is pushed, published, rejected, deprecated or yanked, or when ' +
    'a scanner finds something in it later. Requests are signed as https://www.standardwebhooks.com describes.',
  examples: [
    'trainyard webhooks add acme https://hooks.acme.example/trainyard > secret.txt',
    'trainyard webhooks deliveries acme whk_01jd0example',
  ],
  commands: { ls: listWebhooks, add: addWebhook, test: testWebhook, deliveries, replay, rotate, rm: removeWebhooks },
})

const listProofs = defineCommand({
  summary: 'List what a namespace belongs to',
  description: `Lists the domains and repositories of a namespace, and whether that was found to be true. ${ADMIN}`,
  arguments: { namespace },
  options: registryOptions,
  examples: ['trainyard ownership ls acme'],
  load: () => import('../commands/ownership/ls.ts'),
})

const addProof = defineCommand({
  summary: 'Say which domain or repository a namespace belongs to',
  description: `Prints the DNS record or the line of a file that proves it. Then use "trainyard ownership verify". ${ADMIN}`,
  arguments: { namespace },
  options: {
    domain: option({ placeholder: 'DOMAIN', description: 'A domain, such as acme.example' }),
    repository: option({
      placeholder: 'HOST/OWNER/NAME',
      description: 'A public repository, such as github.com/acme/detector',
    }),
    ...registryOptions,
  },
  examples: [
    'trainyard ownership add acme --domain acme.example',
    'trainyard ownership add acme --repository github.com/acme/detector',
  ],
  load: () => import('../commands/ownership/add.ts'),
})

const verify = defineCommand({
  summary: 'Look for the record or file of a proof',
  description: `Looks for the record or file now. It is also looked for regularly. ${ADMIN}`,
  arguments: { namespace, id: argument('ID', proof) },
  options: registryOptions,
  exitCodes: { 0: 'it was found', 1: 'it was not found' },
  examples: ['trainyard ownership verify acme prf_01jd0example'],
  load: () => import('../commands/ownership/verify.ts'),
})

const removeProofs = defineCommand({
  summary: 'Remove proofs',
  description: `Removes proofs. The namespace is no longer shown as verified by them. ${ADMIN}`,
  arguments: { namespace, ids: argumentList('ID', proof) },
  options: registryOptions,
  examples: ['trainyard ownership rm acme prf_01jd0example'],
  load: () => import('../commands/ownership/rm.ts'),
})

export const ownership = defineGroup({
  summary: 'Prove which domain or repository a namespace belongs to',
  description: 'Verified owners are marked wherever their trainers are shown, and rank higher in searches.',
  examples: ['trainyard ownership add acme --domain acme.example', 'trainyard ownership ls acme'],
  commands: { ls: listProofs, add: addProof, verify, rm: removeProofs },
})

const listRescans = defineCommand({
  summary: 'Show how far published versions were scanned again',
  description: 'Shows each scanner whose database changes, and how many published parts wait for it. For operators.',
  options: registryOptions,
  examples: ['trainyard rescans ls'],
  load: () => import('../commands/rescans/ls.ts'),
})

const startRescan = defineCommand({
  summary: 'Scan every published version again',
  description: 'Happens automatically when the database of a scanner changes. For operators.',
  options: {
    check: choice(RESCANNED_CHECKS, { placeholder: 'CHECK', description: 'The check', fallback: 'both' }),
    ...registryOptions,
  },
  examples: ['trainyard rescans start', 'trainyard rescans start --check malware'],
  load: () => import('../commands/rescans/start.ts'),
})

export const rescans = defineGroup({
  summary: 'Scan published versions again',
  description:
    'Published versions are scanned for malware and vulnerabilities again when the databases of the scanners change.',
  examples: ['trainyard rescans ls', 'trainyard rescans start --check malware'],
  commands: { ls: listRescans, start: startRescan },
})
