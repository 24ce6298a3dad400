import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findUv } from './find-uv.ts'
import { whyNoEnvironments } from './testing/uv.ts'

const reason = await whyNoEnvironments()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-uv-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function script(text: string): Promise<void> {
  await writeFile(join(folder, 'uv'), `#!/bin/sh\n${text}\n`)
  await chmod(join(folder, 'uv'), 0o755)
}

describe.skipIf(reason !== undefined)('finding uv', () => {
  it('follows a script, as pyenv and asdf write them, to the program: a sandbox sees only that', async () => {
    const uv = await findUv()
    await script(`exec "${uv.path}" "$@"`)
    expect(await findUv({ ...process.env, PATH: `${folder}:${process.env.PATH}` })).toEqual(uv)
    expect(await findUv({ ...process.env, UV_PATH: join(folder, 'uv') })).toEqual(uv)
  })

  it('passes over a script that starts nothing', async () => {
    const uv = await findUv()
    await script('echo "pyenv: uv: command not found" >&2; exit 127')
    expect(await findUv({ ...process.env, PATH: `${folder}:${process.env.PATH}` })).toEqual(uv)
  })
})
