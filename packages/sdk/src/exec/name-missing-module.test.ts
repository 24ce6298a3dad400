import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, TrainerError } from '@trainyard/contract/trainer-errors'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nameMissingModule } from './name-missing-module.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-python-'))
  await writeFile(join(dir, 'python3'), '')
})
afterAll(() => rm(dir, { recursive: true }))

it('names the package and the path of the interpreter, and keeps type and traceback', () => {
  const error = new ConfigError("ModuleNotFoundError: No module named 'cv2'")
  error.stack = 'Traceback'
  const named = nameMissingModule(error, { command: ['nice', 'python3', 'train.py'], cwd: '/', env: { PATH: dir } })
  expect(named).toMatchObject({ code: 'ConfigError', stack: 'Traceback', retryable: false })
  expect(named.message).toBe(
    `ModuleNotFoundError: No module named 'cv2'\nThe package "opencv-python-headless" (module "cv2") is not installed for ${dir}/python3, which looked for it. Install it there, in an image with its Dockerfile, or declare "runtime" in trainer.json`,
  )
})

it('leaves an error alone whose traceback only contains a missing optional package', () => {
  const error = new TrainerError('ValueError: bad shape')
  error.stack = "ModuleNotFoundError: No module named 'cv2'\nDuring handling of …\nValueError: bad shape"
  expect(nameMissingModule(error, { command: ['python3'], cwd: '/', env: {} })).toBe(error)
})
