import { describe, expect, it } from 'vitest'
import { parseApkInstalled } from './apk.ts'
import { parseDpkgStatus } from './dpkg.ts'
import { parseNpmPackage } from './npm.ts'
import { parseOsRelease } from './os-release.ts'
import { parsePythonMetadata } from './python.ts'

describe('lists of installed packages', () => {
  it('of dpkg: installed ones, with their source packages', () => {
    const status = `Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Source: bash (5.2.15-2)
Description: GNU Bourne Again SHell
 Package: fake
 Version: 1

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: tzdata
Version: 2024a-0
Architecture: all
`
    expect(parseDpkgStatus(status)).toEqual([
      {
        type: 'deb',
        name: 'bash',
        version: '5.2.15-2+b7',
        architecture: 'amd64',
        sourceName: 'bash',
        sourceVersion: '5.2.15-2',
      },
      {
        type: 'deb',
        name: 'tzdata',
        version: '2024a-0',
        architecture: 'all',
        sourceName: 'tzdata',
        sourceVersion: '2024a-0',
      },
    ])
  })

  it('of apk', () => {
    expect(parseApkInstalled('C:Q1abc=\nP:musl-utils\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\n\nP:broken\n')).toEqual([
      {
        type: 'apk',
        name: 'musl-utils',
        version: '1.2.4-r2',
        architecture: 'x86_64',
        sourceName: 'musl',
        sourceVersion: '1.2.4-r2',
        license: 'MIT',
      },
    ])
  })

  it('of Python, whose names are compared without case and punctuation', () => {
    const metadata =
      'Metadata-Version: 2.1\r\nName: Foo_Bar.baz\r\nVersion: 2.31.0\r\nLicense: MIT\r\n\r\nName: not this\r\n'
    expect(parsePythonMetadata(metadata)).toEqual([
      { type: 'pypi', name: 'foo-bar-baz', version: '2.31.0', license: 'MIT' },
    ])
    expect(parsePythonMetadata('Name: x\n')).toEqual([])
  })

  it('of npm, from hostile files as well', () => {
    expect(parseNpmPackage(Buffer.from('{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}'))).toEqual([
      { type: 'npm', name: '@a/b', version: '1.0.0', license: undefined },
    ])
    for (const bytes of ['not json', '{"name":1,"version":"1"}', `${'['.repeat(100_000)}`, '{"name":"","version":"1"}'])
      expect(parseNpmPackage(Buffer.from(bytes))).toEqual([])
    expect(parseNpmPackage(Buffer.from('{"name":"a\\u0000b","version":"\\ud800"}'))).toMatchObject([
      { name: 'a b', version: '\uFFFD' },
    ])
  })

  it('of a distribution', () => {
    expect(parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')).toEqual({
      id: 'debian',
      version: '12',
    })
    expect(parseOsRelease('NAME=x\n')).toBeUndefined()
  })
})
