import { execFileSync } from 'node:child_process'
import { CreateJobRequest, TrainerManifest } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { manifest } from '../testing/fixtures.ts'
import { runCommands } from './run-command.ts'
import { shellQuote } from './shell-quote.ts'

test.each(["it's", '$(id)', '`id`', 'a\nb', '"', '\\', '!'])('a shell reads %j as one word', (text) => {
  expect(execFileSync('sh', ['-c', `printf %s ${shellQuote(text)}`], { encoding: 'utf8' })).toBe(text)
})

test('the runner accepts the request to train', () => {
  const { train } = runCommands(TrainerManifest.parse(manifest), 'http://127.0.0.1:7600')
  const body = /-d '([^']+)'$/.exec(train)?.[1] ?? ''
  expect(CreateJobRequest.parse(JSON.parse(body))).toMatchObject({
    trainer: 'trainyard/tfjs-classifier@^1.4.0',
    dataset: 'DATASET_ID',
    config: { epochs: 10 },
  })
})

test('a prerelease is requested by its exact version', () => {
  const { train } = runCommands(TrainerManifest.parse({ ...manifest, version: '2.0.0-rc.1' }), 'http://127.0.0.1:7600')
  expect(train).toContain('"trainyard/tfjs-classifier@2.0.0-rc.1"')
})
