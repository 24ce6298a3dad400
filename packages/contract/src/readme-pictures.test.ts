import { expect, it } from 'vitest'
import { readmePicturePath } from './readme-pictures.ts'

it.each([
  ['curve.png', 'curve.png'],
  ['./docs/./curve.png', 'docs/curve.png'],
  ['/docs//curve.png?raw=true#top', 'docs/curve.png'],
  ['docs/../a%20b.png', 'a b.png'],
  ['그림/예측.png', '그림/예측.png'],
])('the address %s leads to %s', (address, path) => {
  expect(readmePicturePath(address)).toBe(path)
})

it.each([
  ...[
    '',
    '.',
    '#top',
    '..',
    '../x.png',
    'a/../../x.png',
    '%2e%2e/x.png',
    'a%2f..%2f..%2fx.png',
    'a\\x.png',
    'a%00.png',
  ],
  ...['//a.example/x.png', 'https://a.example/x.png', 'data:image/png;base64,AA', 'C:/x.png', '%', 'a'.repeat(501)],
])('the address %j leads to no file of the trainer', (address) => {
  expect(readmePicturePath(address)).toBeUndefined()
})
