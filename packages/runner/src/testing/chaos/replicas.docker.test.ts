import Docker from 'dockerode'
import { describe } from 'vitest'
import { dockerChaos } from './docker.ts'
import { replicaCases } from './replicas.cases.ts'

const image = await new Docker()
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
