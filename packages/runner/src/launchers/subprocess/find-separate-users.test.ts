import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openDataFolder } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeDataFolders, findSeparateUsers } from './find-separate-users.ts'
import { dropToUser } from './sandbox/privileges.ts'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

let root: string
let dataDirs: string[]
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'trainyard-users-'))
  await chmod(root, 0o755)
  // As "npm start" creates them: the runner's folder in that of all servers.
  dataDirs = [join(root, 'data', 'runner'), join(root, 'data')]
  for (const dir of dataDirs.toReversed()) await openDataFolder(dir, 'a data folder')
  await mkdir(join(root, 'data', 'objects'))
  await writeFile(join(root, 'data', 'owner-token'), 'secret', { mode: 0o600 })
})
afterEach(() => rm(root, { recursive: true, force: true }))

const canRun = (await findSeparateUsers(['/var'])) !== undefined

describe.skipIf(!canRun)('users of their own (needs root, setpriv, and a Node that other users can start)', () => {
  it('enter data folders that were created for one user only, and neither list nor read them', async () => {
    expect(await modeOf(join(root, 'data'))).toBe('700')
    const users = await findSeparateUsers(dataDirs)
    if (users === undefined) throw new Error('no users')
    await closeDataFolders(dataDirs)
    for (const dir of dataDirs) expect(await modeOf(dir)).toBe('711')
    const as = async (...command: string[]) => {
      const [program = '', ...args] = dropToUser(users.tools, users.ids.first)
      return await promisify(execFile)(program, [...args, ...command], { env: { PATH: '/usr/bin:/bin' } })
    }
    const work = join(root, 'data', 'runner', 'attempts')
    await mkdir(work, { mode: 0o711 })
    await as('/bin/sh', '-c', 'cd "$1"', 'sh', work)
    for (const path of ['', '/runner', '/objects']) await expect(as('ls', join(root, `data${path}`))).rejects.toThrow()
    await expect(as('cat', join(root, 'data', 'owner-token'))).rejects.toThrow('Permission denied')
  })

  it('are the same after the next start, which closes what is open for reading', async () => {
    await findSeparateUsers(dataDirs)
    for (const dir of dataDirs.toReversed()) await openDataFolder(dir, 'a data folder')
    expect(await findSeparateUsers(dataDirs)).toBeDefined()
  })
})

it('folders keep their modes when users of their own cannot reach them', async () => {
  await chmod(root, 0o700)
  const before = await Promise.all(dataDirs.map(modeOf))
  expect(await findSeparateUsers(dataDirs)).toBeUndefined()
  expect(await Promise.all(dataDirs.map(modeOf))).toEqual(before)
})
