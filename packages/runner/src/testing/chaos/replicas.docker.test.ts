import { describe } from 'vitest'
import { connectEngine } from '../../launchers/docker/engine.ts'
import { dockerChaos } from './docker.ts'
import { replicaCases } from './replicas.cases.ts'

const image = await connectEngine()
  .getImage('node:24-bookworm-slim')
  .inspect()
  .catch(() => undefined)
if (image === undefined)
  console.warn(
    'SKIPPED: two replicas with one engine. It needs a Docker engine that has the image node:24-bookworm-slim',
  )

describe.skipIf(image === undefined)('with one Docker engine', () => {
  replicaCases(() => dockerChaos(process.env, undefined))
})
