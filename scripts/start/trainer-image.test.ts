import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@trainyard/platform'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { needsImage, requireImageCanBeBuilt } from './trainer-image.ts'

describe('the image of the sample trainer', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is for launchers that run images', () => {
    expect(
      [{}, { LAUNCHER: 'subprocess' }, { LAUNCHER: 'docker' }, { LAUNCHER: 'kubernetes' }].map(needsImage),
    ).toEqual([false, false, true, true])
  })

  test('requires nothing for subprocesses', async () => {
    await requireImageCanBeBuilt({})
  })

  test.each([{ LAUNCHER: 'kubernetes' }, { LAUNCHER: 'docker', DOCKER_HOST: 'tcp://elsewhere:2376' }])(
    'refuses remote engines with advice: %o',
    async (env) => {
      const refused = requireImageCanBeBuilt(env)
      await expect(refused).rejects.toBeInstanceOf(ConfigError)
      await expect(refused).rejects.toThrow(/--serve.*push the image/)
    },
  )

  test('needs the program docker', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'trainyard-no-docker-'))
    vi.stubEnv('PATH', empty)
    await expect(requireImageCanBeBuilt({ LAUNCHER: 'docker' })).rejects.toThrow(/program "docker" is needed.*--serve/)
    await rm(empty, { recursive: true })
  })
})
