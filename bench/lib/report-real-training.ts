/**
 * What reporting costs a real training, in processor time of all threads: `report-real-training.ts CALLBACK_URL WORK_DIR
 * ROUNDS`. The reference trainer's network and loop with its default settings (28 × 28 pixels, batches of 64) on 4,000 drawn
 * images; it reports ten times an epoch and at its end, as the trainer does. Checkpoints are left out: they are the trainer's
 * own. Prints `{ silentMs, reportingMs, stepMs, reports }`: an epoch's processor time, a step's, and reports an epoch.
 */
import { measureNormalization } from '../../trainers/tfjs-classifier/src/data/normalization.ts'
import { buildNetwork } from '../../trainers/tfjs-classifier/src/models/build-network.ts'
import { epochMetrics } from '../../trainers/tfjs-classifier/src/operations/epoch-metrics.ts'
import { createRandom } from '../../trainers/tfjs-classifier/src/random.ts'
import { chooseModel, parseSettings } from '../../trainers/tfjs-classifier/src/settings.ts'
import { startBackend } from '../../trainers/tfjs-classifier/src/tensors/start-backend.ts'
import { BAR_CLASSES, drawBars } from '../../trainers/tfjs-classifier/src/testing/bars.ts'
import { trainNetwork } from '../../trainers/tfjs-classifier/src/training/train-network.ts'
import { inTurns } from './open-bench-job.ts'
import { median } from './report.ts'

const [, , callbackUrl = '', workDir = '', rounds = '10'] = process.argv
const [IMAGES, SIZE, BATCH, EPOCHS] = [4000, 28, 64, 2]

await startBackend()
const classCount = BAR_CLASSES.length
const train = drawBars(IMAGES, SIZE, 1)
const val = drawBars(500, SIZE, 2)
const normalization = measureNormalization(train)
const basic = { imgsz: SIZE, batch: BATCH, epochs: EPOCHS, learning_rate: 0.004, optimizer: 'adam' }
const settings = parseSettings({ basic, advanced: {} })
const spec = chooseModel('mlp', settings, classCount)
let reports = 0

// A round more than is counted: in the first one everything is compiled.
const { silent, reporting } = await inTurns(Number(rounds) + 1, callbackUrl, workDir, async (job) => {
  const network = buildNetwork(spec, createRandom(settings.seed, 'weights'))
  reports = 0
  await trainNetwork({
    network,
    train,
    val,
    normalization,
    classCount,
    settings,
    signal: new AbortController().signal,
    onStep({ step, totalSteps, loss }) {
      reports++
      job?.progress({ step, totalSteps, phase: 'train', metrics: { batch_loss: loss } })
    },
    onEpoch(report) {
      reports++
      const metrics = epochMetrics(report, classCount)
      job?.progress({ epoch: report.epoch, totalEpochs: EPOCHS, phase: 'train', metrics })
    },
  })
  network.dispose()
})
const [silentMs, reportingMs] = [silent, reporting].map((all) => median(all.slice(1)) / EPOCHS)
const stepMs = (silentMs ?? 0) / Math.ceil(IMAGES / BATCH)
console.log(JSON.stringify({ silentMs, reportingMs, stepMs, reports: reports / EPOCHS }))
