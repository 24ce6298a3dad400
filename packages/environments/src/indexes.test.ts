import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressesOf, readIndexes } from './indexes.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'trainyard-pip-'))
})
afterAll(() => rm(home, { recursive: true }))

it('reads several indexes, and reaches them and the hosts of their files', async () => {
  const indexes = await readIndexes({
    HOME: home,
    PYTHON_INDEX_URL: 'https://user:secret@pypi.example/simple, http://mirror.example:8080/simple',
    PYTHON_INDEX_HOSTS: 'files.example cdn.example:8443',
    PIP_INDEX_URL: 'https://not-this.example/simple',
  })
  expect(indexes.urls).toEqual(['https://user:secret@pypi.example/simple', 'http://mirror.example:8080/simple'])
  expect(addressesOf(indexes)).toEqual([
    'pypi.example:443',
    'mirror.example:8080',
    'files.example:443',
    'cdn.example:8443',
  ])
})

it('uses the indexes of pip where none are configured: variables first, then its file', async () => {
  const file = join(home, 'pip.conf')
  await writeFile(
    file,
    '[global]\nindex-url = https://one.example/simple\nextra-index-url =\n    https://two.example/simple\n    https://three.example/simple\ntimeout = 5\n',
  )
  const urls = async (env: Record<string, string>) => (await readIndexes({ HOME: home, ...env })).urls
  const extra = ['https://two.example/simple', 'https://three.example/simple']
  expect(await urls({ PIP_CONFIG_FILE: file })).toEqual(['https://one.example/simple', ...extra])
  const variable = 'https://variable.example/simple'
  expect(await urls({ PIP_CONFIG_FILE: file, PIP_INDEX_URL: variable })).toEqual([variable, ...extra])
})

it('reaches the host of the files of PyPI', () => {
  const addresses = addressesOf({ urls: ['https://pypi.org/simple'], fileHosts: [] })
  expect(addresses).toEqual(['pypi.org:443', 'files.pythonhosted.org:443'])
})
