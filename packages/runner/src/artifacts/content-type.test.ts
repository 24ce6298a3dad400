import { encode } from 'fast-png'
import { describe, expect, it, test } from 'vitest'
import { contentTypeOf } from './content-type.ts'

const png = encode({ width: 2, height: 2, channels: 3, data: new Uint8Array(12) })
const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))

test.each([
  ['a PNG', png, 'application/octet-stream', 'image/png'],
  ['a PNG that is announced as HTML', png, 'text/html', 'image/png'],
  ['a JPEG', bytes('\u00ff\u00d8\u00ff\u00e0'), 'image/png', 'image/jpeg'],
  ['a WebP', bytes('RIFF\0\0\0\0WEBPVP8 '), 'application/octet-stream', 'image/webp'],
  ['a tar', bytes(`${'\0'.repeat(257)}ustar`), 'application/octet-stream', 'application/x-tar'],
  ['JSON', bytes('{}'), 'application/json', 'application/json'],
  ['text with a charset', bytes('a,b'), 'text/csv; charset=utf-8', 'text/csv; charset=utf-8'],
  ['a checkpoint', bytes('\0\0'), 'application/vnd.onnx', 'application/vnd.onnx'],
])('%s has the type of its content', (_what, head, announced, expected) => {
  expect(contentTypeOf(head, announced)).toBe(expected)
})

describe('what a browser could run', () => {
  const html = bytes('<!doctype html><script>alert(1)</script>')
  it.each([
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'image/svg+xml',
    'image/png',
    'application/xhtml+xml',
    'application/xml',
    'text/xml',
    'text/xsl',
    'application/atom+xml',
    'text/javascript',
    'application/javascript',
    'application/pdf',
    'multipart/x-mixed-replace',
    'message/rfc822',
    'no type',
    'text/plain\r\nset-cookie: a=b',
    '',
  ])('is stored as bytes when it is announced as %s', (announced) => {
    expect(contentTypeOf(html, announced)).toBe('application/octet-stream')
  })
})
