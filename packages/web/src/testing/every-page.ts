import {
  Appeal,
  Check,
  JobValidation,
  type OwnershipProof,
  Prediction,
  type Publisher,
  PushList,
  Review,
  ReviewList,
  StoredEvent,
  type Webhook,
  type WebhookDelivery,
} from '@trainyard/contract'
import type { FakeApi } from './fake-api.ts'
import {
  ago,
  artifactFixture,
  artifactsFixture,
  datasetFixture,
  failedJob,
  imagesFixture,
  jobFixture,
  predictJob,
  succeededJob,
  usageFixture,
} from './fixtures.ts'
import { peopleFixture } from './people-fixtures.ts'
import { startSite } from './site.ts'

/** What people could write into every field: text from right to left, emoji, markup, and one very long word. */
const ODD = `شبكة 🌻 <b>"&amp; ${'w'.repeat(150)}`

/** Every page with something on it, by the name of its picture. */
export const EVERY_PAGE: Readonly<Record<string, string>> = {
  trainers: '/',
  trainer: '/trainers/trainyard/tfjs-classifier',
  datasets: '/datasets',
  dataset: '/datasets/ds_1',
  'dataset-odd': '/datasets/ds_2',
  'dataset-diff': '/datasets/ds_1/diff?from=1',
  jobs: '/jobs',
  job: '/jobs/42',
  'job-failed': '/jobs/41',
  'job-odd': '/jobs/37',
  'job-predicted': '/jobs/39',
  'job-predictions': '/jobs/39/predictions',
  'job-lineage': '/jobs/42/lineage',
  compare: '/jobs/compare?ids=42,41,37',
  selected: '/jobs/selected?action=delete&ids=41&ids=37',
  experiments: '/experiments',
  'experiments-points': '/experiments?picture=scatter&group=dataset&sort=-m.top1_accuracy',
  'new-job': '/jobs/new?trainer=trainyard/tfjs-classifier',
  predict: '/predict',
  checkpoint: '/predict/40/art_best?try=art_picture',
  pushes: '/pushes',
  push: '/pushes/chk_1',
  reviews: '/pushes/reviews',
  'reported-reviews': '/reviews',
  'trainer-reviews': '/trainers/trainyard/tfjs-classifier/reviews',
  publishers: '/publishers/acme/tiny',
  usage: '/usage?by=person',
  account: '/account',
  tokens: '/account/tokens',
  organisations: '/organisations',
  organisation: '/organisations/red-team',
  webhooks: '/organisations/red-team/webhooks',
  webhook: '/organisations/red-team/webhooks/whk_1',
  ownership: '/organisations/red-team/ownership',
  'sign-in': '/sign-in',
  'sign-up': '/sign-up',
  'password-reset': '/reset-password?code=abc',
  'not-found': '/nowhere',
}

/** A PNG of one grey pixel. */
const PNG = Uint8Array.from(
  Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64'),
)
const AT = ago(600)

const CLASSES = ['rose', 'tulip', 'dandelion', 'sunflower', 'daisy', 'iris', 'poppy', 'orchid', 'lily', ODD]

const validation = JobValidation.parse({
  attempt: 1,
  seq: 9,
  time: AT,
  epoch: 8,
  split: 'val',
  primary: { name: 'top1_accuracy', value: 0.9, goal: 'maximize' },
  metrics: {},
  perClass: Object.fromEntries(
    CLASSES.map((name, index) => [name, { top1_accuracy: 0.35 + 0.06 * index, recall: 0.95 - 0.05 * index }]),
  ),
  confusionMatrix: {
    classes: CLASSES,
    counts: CLASSES.map((_, row) => CLASSES.map((__, column) => (row === column ? 30 + row : (row * 7 + column) % 5))),
  },
})

const objects = [
  { classId: 0, className: 'rose', confidence: 0.93, bbox: [10, 20, 110, 220] },
  { classId: 1, className: ODD, confidence: 0.4, bbox: [200, 40, 320, 300] },
]

const events = [1, 2, 3].map((seq) =>
  StoredEvent.parse({
    attempt: 1,
    seq,
    type: 'prediction',
    receivedAt: AT,
    body: { type: 'prediction', seq, time: AT, imageName: `flower-${seq}.png`, predictions: objects },
  }),
)

const prediction = Prediction.parse({
  id: 'art_picture',
  checkpoint: 'art_best',
  job: { id: 43, state: 'succeeded' },
  state: 'done',
  picture: {
    name: `${ODD}.png`,
    contentType: 'image/png',
    sizeBytes: 2048,
    width: 640,
    height: 480,
    url: '/storage/picture',
  },
  objects,
  inferenceTimeMs: 12.4,
  createdAt: AT,
  finishedAt: AT,
})

/** Trainings that differ, for the pictures of experiments. */
const runs = () =>
  [0.1, 0.03, 0.01, 0.003].map((learningRate, index) => {
    const job = { ...succeededJob(), id: 30 + index, name: `sweep ${index + 1}` }
    const basic = { ...job.config.basic, learning_rate: learningRate, epochs: 5 * (index + 1) }
    const top1 = 0.9 - 0.05 * Math.abs(index - 2)
    return {
      ...job,
      config: { ...job.config, basic },
      latestMetrics: { ...job.latestMetrics, top1_accuracy: top1, val_loss: 1.4 - top1 },
    }
  })

/** The pages with something on each of {@link EVERY_PAGE}; the viewer is signed in as the local owner. */
export async function startEveryPage() {
  const [first] = imagesFixture()
  const pictures = Object.fromEntries(imagesFixture().map(({ path }) => [path, { type: 'image/png', body: PNG }]))
  const plots = artifactsFixture().artifacts.map((plot) => ({ ...plot, url: '/storage/plot' }))
  const best = { ...artifactFixture({ id: 'art_best', name: 'best.bin' }), url: '/storage/best' }
  const odd = { ...succeededJob(), id: 37, name: ODD, createdBy: { id: 'acc_1', name: ODD } }
  const site = await startSite({
    ...peopleFixture(),
    people: {},
    jobs: [jobFixture(), failedJob(), succeededJob(), predictJob(), odd, ...runs()],
    datasets: [datasetFixture(), datasetFixture({ id: 'ds_2', name: ODD }), datasetFixture({ version: 2 })],
    images: first === undefined ? [] : imagesFixture(),
    pictures,
    stored: { plot: PNG, picture: PNG, 'flower-1.png': PNG, 'flower-2.png': PNG, 'flower-3.png': PNG },
    validations: [validation],
    events,
    predictions: [prediction],
    artifacts: [...plots, best],
  })
  addRegistry(site.api)
  addReviews(site.api)
  addDiff(site.api)
  addUsage(site.api)
  return site
}

function addReviews({ app }: FakeApi): void {
  const review = Review.parse({
    id: 'rev_1',
    trainer: 'trainyard/tfjs-classifier',
    version: '0.1.0',
    rating: 4,
    text: `Learns fast.\n${ODD}`,
    author: ODD,
    runs: 14,
    createdAt: AT,
    reply: { text: ODD, at: AT },
    isOwn: false,
  })
  const own = { ...review, id: 'rev_2', author: 'ada', isOwn: true, reply: undefined, hiddenReason: ODD, runs: 1 }
  const list = ReviewList.parse({
    reviews: [review, own],
    nextCursor: 'next',
    rating: { count: 2, mean: 4, score: 4 },
    counts: [0, 0, 0, 2, 0],
    own,
    reviewable: ['0.1.0'],
    mayReply: false,
  })
  app.get('/v1/trainers/trainyard/tfjs-classifier/reviews', (c) => c.json(list))
  app.get('/v1/reviews/reported', (c) => c.json({ reviews: [{ ...review, reports: [ODD] }] }))
}

function addRegistry({ app }: FakeApi): void {
  const finding = {
    code: 'TY301',
    severity: 'error' as const,
    message: `a private key ${ODD}`,
    file: 'app/key.pem',
    line: 3,
    fingerprint: 'f1',
    help: 'remove it',
    docsUrl: 'https://example.org/TY301',
  }
  const check = Check.parse({
    id: 'chk_1',
    trainer: 'acme/tiny',
    version: '1.2.0',
    kind: 'image',
    digest: `sha256:${'0'.repeat(64)}`,
    state: 'rejected',
    checks: [
      { name: 'manifest', status: 'passed', findings: [] },
      { name: 'secrets', status: 'failed', findings: [finding] },
    ],
    mayChange: true,
    createdAt: AT,
    finishedAt: AT,
  })
  const { id, trainer, version, digest, state, createdAt } = check
  const push = { id, trainer, version, digest, state, createdAt, kind: 'image', errors: 1, warnings: 2 }
  app.get('/v1/pushes', (c) =>
    c.json(PushList.parse({ pushes: [{ ...push, pushedByCaller: true, reason: ODD }], nextCursor: 'next' })),
  )
  app.get('/v1/checks/chk_1', (c) => c.json(check))
  const appeal = Appeal.parse({ id: 'apl_1', checkId: id, trainer, version, state: 'open', text: ODD, createdAt: AT })
  app.get('/v1/appeals', (c) => c.json({ appeals: [appeal] }))
  const scanner = { name: 'ClamAV', version: '1.4.2', database: AT }
  app.get('/v1/rescans', (c) =>
    c.json({
      scanners: [
        { check: 'malware', scanner, waiting: 7, lastHour: 3, found: 2, lastAt: AT },
        { check: 'vulnerabilities', reason: 'no scanner is configured', waiting: 0, lastHour: 0, found: 0 },
      ],
      perHour: 600,
    }),
  )
  const publisher: Publisher = {
    id: 'pub_1',
    trainer,
    issuer: 'github',
    repository: `acme/${'detector'.repeat(12)}`,
    workflow: 'release.yml',
    ref: 'refs/tags/v*',
    isPending: true,
    createdAt: AT,
    lastUse: { at: AT, issuer: 'github', ref: 'refs/tags/v1', run: '77' },
    lastRefusal: { at: AT, reasons: ['the token has repository_id 12, the publisher expects 34'] },
  }
  app.get('/v1/publishing', (c) => c.json({ audience: 'x', issuers: [{ name: 'github', issuer: 'https://g.test' }] }))
  app.get('/v1/trainers/acme/tiny/publishers', (c) => c.json({ publishers: [publisher] }))
  const webhook: Webhook = {
    id: 'whk_1',
    namespace: 'red-team',
    url: `https://ci.acme.test/${'hooks/'.repeat(20)}`,
    events: ['version.published'],
    createdAt: AT,
    failingSince: AT,
    disabledReason: 'the address answered 410 Gone',
  }
  const delivery: WebhookDelivery = {
    id: 'msg_1',
    type: 'version.published',
    state: 'failed',
    tries: 8,
    createdAt: AT,
    event: { type: 'version.published', timestamp: AT, data: { trainer, version, kind: 'bundle' } },
    lastTry: {
      at: AT,
      durationMs: 12,
      url: webhook.url,
      headers: { 'webhook-id': 'msg_1' },
      status: 410,
      answer: ODD,
      error: 'the address answered 410',
    },
  }
  app.get('/v1/namespaces/red-team/webhooks', (c) => c.json({ webhooks: [webhook] }))
  app.get('/v1/namespaces/red-team/webhooks/whk_1/deliveries', (c) => c.json({ deliveries: [delivery] }))
  const proof: OwnershipProof = {
    id: 'prf_1',
    namespace: 'red-team',
    kind: 'dns',
    subject: 'acme.example',
    place: '_trainyard.acme.example',
    value: 'trainyard-owner=red-team:0123',
    isVerified: false,
    checkedAt: AT,
    problem: `the TXT records are: ${ODD}`,
    createdAt: AT,
  }
  app.get('/v1/namespaces/red-team/proofs', (c) => c.json({ proofs: [proof] }))
}

function addDiff({ app }: FakeApi): void {
  app.get('/v1/datasets/:id/diff', (c) =>
    c.json({
      from: 1,
      to: 2,
      classes: { added: [ODD], removed: ['iris'], renamed: [{ from: 'rose', to: 'roses', objects: 12 }] },
      images: { common: 90, added: [`${ODD}.png`], removed: [], renamed: [], moved: [], repainted: ['b.png'] },
      objects: { unchanged: 300, added: 3, removed: 2, moved: 1, reclassified: 1 },
      changes: [],
      counts: { added: 1, removed: 0, renamed: 0, moved: 0, repainted: 1, changed: 0 },
    }),
  )
}

function addUsage({ app }: FakeApi): void {
  app.get('/v1/usage', (c) => c.json(usageFixture(ODD)))
}
