import { describe, expect, test } from 'vitest'
import { searchConfig } from './search-config.ts'

// Joined at run time, so that scanners of this repository do not report it.
const KEY_ID = ['AK', 'IAZ7QW3ERTY5UIOP2A'].join('')

const messages = async (image: Parameters<typeof searchConfig>[0]) => {
  const findings = await searchConfig(image)
  for (const finding of findings) expect(finding).toMatchObject({ code: 'TY390', severity: 'error' })
  expect(JSON.stringify(findings)).not.toContain(KEY_ID)
  expect(JSON.stringify(findings)).not.toContain('hunter22')
  return findings.map(({ message }) => message)
}

describe('secrets in the config of an image', () => {
  test.each([
    ['environment of the image', { config: { Env: ['PATH=/bin', `ID=${KEY_ID}`] } }],
    ['labels of the image', { config: { Labels: { 'com.example.id': KEY_ID } } }],
    ['command of the image', { config: { Entrypoint: ['/train', `--id=${KEY_ID}`] } }],
    ['command of the image', { config: { Cmd: ['/train', `--id=${KEY_ID}`] } }],
    ['history of the image, step 2', { history: [{ created_by: 'ADD x /' }, { created_by: `RUN curl -u ${KEY_ID}` }] }],
    ['history of the image, step 1', { history: [{ comment: `made with ${KEY_ID}` }] }],
  ])('are found in the %s', async (where, image) => {
    const found = await messages(image)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^${where}: .*value not shown`))
  })

  test('are found by the name of a variable, also of an argument of the build', async () => {
    expect(await messages({ config: { Env: ['DB_PASSWORD=hunter22'] } })).toEqual([
      expect.stringContaining('"DB_PASSWORD" is set, and anyone who can pull the image can read it'),
    ])
    expect(await messages({ history: [{ created_by: '|1 HF_TOKEN=hunter22 /bin/sh -c pip install x' }] })).toEqual([
      expect.stringContaining('history of the image, step 1: "HF_TOKEN" is set'),
    ])
  })

  test('are not names without a value, nor usual variables', async () => {
    const Env = [
      'PATH=/usr/bin',
      'HF_TOKEN=',
      'PYTHON_VERSION=3.11',
      'GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305',
    ]
    expect(await messages({ config: { Env }, history: [{ created_by: 'CMD ["python3"]' }] })).toEqual([])
  })
})
