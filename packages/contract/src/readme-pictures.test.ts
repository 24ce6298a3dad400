import { expect, it } from 'vitest'
import { readmePicturePath, readmePictureUrl } from './readme-pictures.ts'

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

it.each([
  ['https://a.example/x.png', 'https://a.example/x.png'],
  [' HTTPS://A.example/b c.png?v=1#top ', 'https://a.example/b%20c.png?v=1'],
  ['http://a.example', 'http://a.example/'],
])('the picture %j lies at %s', (address, url) => {
  expect(readmePictureUrl(address)).toBe(url)
})

it.each([
  'curve.png',
  '//a.example/x.png',
  'data:image/png;base64,AA',
  'ftp://a.example/x.png',
  'https://',
  'https://ada:secret@a.example/x.png',
  `https://a.example/${'a'.repeat(500)}`,
])('the address %j leads to no picture elsewhere', (address) => {
  expect(readmePictureUrl(address)).toBeUndefined()
})
