import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ResolvedTrainer, type RunStatement, TrainerUsage } from '@trainyard/contract'
import { publicKeysOf, type SigningKeys, signRunStatement } from '@trainyard/platform'
import { fakeClock } from '@trainyard/platform/testing'
import { generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'

const clock = fakeClock()
const remote = createServer(async (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(await publicKeysOf(remoteKeys)))
})
let harness: Harness
let token: string
let digest: string
let ownKeys: SigningKeys
let remoteKeys: SigningKeys

async function makeKeys(keyId: string): Promise<SigningKeys> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  return { algorithm: 'EdDSA', keyId, sign: privateKey, verify: new Map([[keyId, publicKey]]) }
}

beforeAll(async () => {
  ownKeys = await makeKeys('own')
  remoteKeys = await makeKeys('remote')
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(remote.address() as AddressInfo).port}`
  harness = await createHarness({ clock, config: { runners: [address] } })
  harness.registry.trustRunner(await publicKeysOf(ownKeys))
  await harness.registry.start()
  token = await harness.token(['push:acme'])
  await endOfCheck(harness, token, await pushBundle(harness, { name: 'acme/run', version: '1.0.0', token }))
  const response = await harness.request('/v1/trainers/acme/run/resolve')
  digest = ResolvedTrainer.parse(await response.json()).bundle?.digest ?? ''
})
afterAll(async () => {
  remote.close()
  await harness.close()
})

function run(changes: Partial<RunStatement> = {}): RunStatement {
  return {
    jti: 'one:1:1',
    sub: 'acc_ada',
    iat: Math.floor(clock.now().getTime() / 1000),
    trainer: 'acme/run',
    version: '1.0.0',
    digest,
    operation: 'train',
    outcome: 'succeeded',
    seconds: 60,
    ...changes,
  }
}
async function send(statement: string) {
  const response = await harness.request('/v1/runs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ statement }),
  })
  return response.status
}
const usage = async () => {
  const response = await harness.request('/v1/trainers/acme/run/usage?days=2', { token })
  return TrainerUsage.parse(await response.json())
}

it('counts runs that a trusted runner states, each once, by day and by version', async () => {
  const stated = [
    run(),
    run(),
    run({ jti: 'one:2:1', sub: 'acc_eve', seconds: 180 }),
    run({ jti: 'one:3:1', outcome: 'failed', seconds: 1 }),
    run({ jti: 'one:4:1', outcome: 'cancelled', seconds: 2 }),
    run({ jti: 'one:5:1', operation: 'predict', seconds: 3 }),
  ]
  for (const one of stated) expect(await send(await signRunStatement(ownKeys, one))).toBe(204)
  expect(await send(await signRunStatement(remoteKeys, run({ jti: 'two:1:1', seconds: 100 })))).toBe(204)
  const { days, versions } = await usage()
  expect(days.map(({ runs }) => runs)).toEqual([0, 6])
  expect(versions).toEqual([
    {
      version: '1.0.0',
      pulls: 0,
      bots: 0,
      runs: 6,
      succeeded: 4,
      failed: 1,
      people: 2,
      medianTrainSeconds: 100,
    },
  ])
})

it('refuses statements that no trusted runner signed, and runs of what was not published', async () => {
  const before = await usage()
  const sign = (changes: Partial<RunStatement>, keys = ownKeys) =>
    signRunStatement(keys, run({ jti: 'other:1:1', ...changes }))
  const other = await makeKeys('other')
  const [head, , signature] = (await sign({})).split('.')
  const altered = Buffer.from(JSON.stringify({ ...run({ jti: 'other:2:1' }), aud: 'trainyard:runs' }))
  const answers = {
    unknownKey: await send(await sign({}, other)),
    keyOfSameName: await send(await sign({}, { ...other, keyId: 'own' })),
    altered: await send(`${head}.${altered.toString('base64url')}.${signature}`),
    noToken: await send('statement'),
    unsigned: await send(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${altered.toString('base64url')}.`),
    future: await send(await sign({ iat: Math.floor(clock.now().getTime() / 1000) + 3600 })),
    noTime: await send(await sign({ seconds: -1 })),
    unknownVersion: await send(await sign({ version: '2.0.0' })),
    unknownDigest: await send(await sign({ digest: `sha256:${'0'.repeat(64)}` })),
  }
  expect(answers).toEqual({
    unknownKey: 401,
    keyOfSameName: 401,
    altered: 401,
    noToken: 401,
    unsigned: 401,
    future: 401,
    noTime: 422,
    unknownVersion: 404,
    unknownDigest: 404,
  })
  expect(await usage()).toEqual(before)
})
