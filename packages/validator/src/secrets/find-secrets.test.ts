import { describe, expect, test } from 'vitest'
import { findSecrets } from './find-secrets.ts'

// Joined at run time, so that scanners of this repository do not report them.
const key = (kind: string, body: string, end = '\n') =>
  `${['-----BEGIN', kind].join(' ')}-----${end}${body}${end}${['-----END', kind].join(' ')}-----${end}`
const BASE64 = 'MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49AwEHoUQDQgAE'
const HEX40 = '0123456789abcdef0123456789abcdef01234567'

async function kinds(path: string, text: string): Promise<string[]> {
  const search = await findSecrets(path, Buffer.from(text))
  return search.state === 'searched' ? search.secrets.map(({ message, line }) => `${line} ${message}`) : [search.reason]
}

describe('finding secrets in a file', () => {
  test.each([
    ['an id of an AWS key', 'a.env', `id = ${'AK'}IAZ7QW3ERTY5UIOP2A\n`, /aws access key id/],
    ['a key in EC form', 'id_ec', key('EC PRIVATE KEY', BASE64), /private key/],
    ['a key in OpenSSH form', 'id_ed25519', key('OPENSSH PRIVATE KEY', BASE64), /private key/],
    ['a key in PKCS 8', 'key.pem', key('PRIVATE KEY', BASE64), /private key/],
    [
      'a key in PGP form, with headers',
      'a.asc',
      key('PGP PRIVATE KEY BLOCK', `Version: x\n\n${BASE64}`),
      /private key/,
    ],
    ['a key inside JSON', 'gcp.json', `{"private_key":"${key('PRIVATE KEY', BASE64, '\\n')}"}`, /private key/],
    ['a key of Weights & Biases', '.env', `WANDB_API_KEY=${HEX40}\n`, /wandb api key/],
    ['a key of Weights & Biases in .netrc', 'x', `machine api.wandb.ai\n  login user\n  password ${HEX40}\n`, /wandb/],
    ['a token of Hugging Face', '.env', `HF_TOKEN=${'hf'}_abcdefghijklmnopqrstuvwxyzABCDEFGH\n`, /huggingface/],
    ['a token of PyPI', '.pypirc', `password = ${'pypi'}-AgEIcHlwaS5vcmcC${'a'.repeat(60)}\n`, /pypi token/],
    [
      'a password of a registry',
      'root/.docker/config.json',
      '{"auths":{"x":{"auth":"dXNlcjpodW50ZXIyc2VjcmV0"}}}',
      /docker registry/,
    ],
    ['a password in .netrc', 'root/.netrc', 'machine example.com login bob password hunter2\n', /netrc password/],
    ['a key of Kaggle', '.kaggle/kaggle.json', `{"username":"a","key":"${HEX40.slice(0, 32)}"}`, /kaggle key/],
  ])('finds %s', async (_, path, text, message) => {
    const found = await kinds(path, text)
    expect(found.length).toBeGreaterThan(0)
    expect(found.join()).toMatch(message)
    expect(found.join()).not.toContain(BASE64)
    expect(found.join()).not.toContain(HEX40)
  })

  test.each([
    ['the id in the documentation of AWS', 'a.md', `${'AK'}IAIOSFODNN7EXAMPLE`],
    ['a public key', 'key.pem', key('PUBLIC KEY', BASE64)],
    [
      'the first line of a key in a program',
      'a.py',
      `if text.startswith("${['-----BEGIN', 'PRIVATE KEY'].join(' ')}-----"): pass`,
    ],
    ['the hash of a commit', 'a.txt', `commit ${HEX40}`],
    ['"auth" in another file', 'app.json', '{"auth":"dXNlcjpodW50ZXIyc2VjcmV0"}'],
  ])('does not report %s', async (_, path, text) => {
    expect(await kinds(path, text)).toEqual([])
  })

  test('names the line of a secret', async () => {
    expect((await kinds('a.txt', `one\ntwo\n${'AK'}IAZ7QW3ERTY5UIOP2A`))[0]).toMatch(/^3 /)
  })

  test('stays fast on text that almost matches', async () => {
    const almost = `${['-----BEGIN', 'PRIVATE KEY'].join(' ')}-----\n${'A'.repeat(60)}!`.repeat(5000)
    expect(await kinds('a.txt', almost)).toEqual([])
  })
})

test('a search leaves no entries in the performance buffer of the process', async () => {
  const before = performance.getEntriesByType('mark').length
  await findSecrets('a.js', Buffer.from('const a = 1\n'))
  expect(performance.getEntriesByType('mark')).toHaveLength(before)
})
