import { describe, expect, test } from 'vitest'
import { configFindings, type RootUserPolicy, treeFindings } from './image-policy.ts'
import { ImageTree } from './image-tree.ts'
import type { LayerEntry, LayerEntryType } from './layer-entry.ts'

const config = (user: string | undefined, more = {}) => ({
  os: 'linux',
  architecture: 'amd64',
  config: { User: user, Cmd: ['/train'] },
  ...more,
})
const found = (
  of: Parameters<typeof configFindings>[0],
  { platform, rootUser = 'warn' }: { platform?: string; rootUser?: RootUserPolicy } = {},
) => configFindings(of, { platform, rootUser }).map(({ code, severity, message }) => [code, severity, message])

describe('the config of an image', () => {
  test.each([undefined, '', '0', 'root', '0:0', 'root:staff'])('the user %j is root', (user) => {
    expect(found(config(user))).toEqual([['TY294', 'warning', expect.stringContaining('runs as root')]])
    expect(found(config(user), { rootUser: 'refuse' })).toMatchObject([['TY294', 'error', expect.anything()]])
    expect(found(config(user), { rootUser: 'allow' })).toEqual([])
  })

  test.each(['10001', 'trainer', '10001:0', 'rooty'])('the user %j is not root', (user) => {
    expect(found(config(user), { rootUser: 'refuse' })).toEqual([])
  })

  test('must have a command, be for Linux, and be for the platform that its index names', () => {
    const [none] = found(config('1', { config: { User: '1' } }))
    expect(none?.[0]).toBe('TY297')
    expect(found(config('1', { config: { User: '1', Entrypoint: ['/train'] } }))).toEqual([])
    expect(found(config('1', { os: 'windows' }))).toMatchObject([
      ['TY293', 'error', /* */ expect.stringContaining('"windows"; expected "linux"')],
    ])
    expect(found(config('1'), { platform: 'linux/amd64' })).toEqual([])
    expect(found(config('1'), { platform: 'unknown/unknown' })).toEqual([])
    expect(found(config('1'), { platform: 'linux/arm64' })).toMatchObject([
      ['TY293', 'error', 'the index names the platform linux/arm64, but the config says linux/amd64'],
    ])
  })
})

describe('the files of an image', () => {
  const entry = (path: string, mode: number, type: LayerEntryType = 'file'): LayerEntry => ({
    path,
    type,
    mode,
    sizeBytes: 0,
    linkPath: '',
  })
  const inspect = (...layers: LayerEntry[][]) => {
    const tree = new ImageTree()
    for (const entries of layers) tree.apply(entries)
    const digests = layers.map((_, index) => ({ digest: `sha256:${index}` }))
    return treeFindings(tree, digests).map(({ code, severity, message, file, layer }) => ({
      code,
      severity,
      message,
      file,
      layer,
    }))
  }

  test('setuid and setgid programs are found; those of the system are only noted', () => {
    expect(inspect([entry('usr/bin/su', 0o4755)], [entry('app/helper', 0o4755), entry('app/group', 0o2755)])).toEqual([
      {
        code: 'TY295',
        severity: 'warning',
        message: expect.stringMatching(/^2 files run with the rights .*: \/app\/helper, \/app\/group$/),
        file: '/app/helper',
        layer: 'sha256:1',
      },
      {
        code: 'TY295',
        severity: 'info',
        message: expect.stringMatching(/^1 files of the system .*\/usr\/bin\/su$/),
        file: '/usr/bin/su',
        layer: 'sha256:0',
      },
    ])
  })

  test('a setuid bit on a folder is none of a program, and a deleted program does not count', () => {
    expect(
      inspect([entry('shared', 0o2775, 'directory'), entry('old', 0o4755)], [entry('old', 0, 'whiteout')]),
    ).toEqual([])
  })

  test('files and folders that every user can change are found, but not shared folders such as /tmp', () => {
    const [finding, ...others] = inspect([
      entry('tmp', 0o1777, 'directory'),
      entry('data', 0o777, 'directory'),
      ...Array.from({ length: 7 }, (_, index) => entry(`data/${index}`, 0o666)),
    ])
    expect(others).toEqual([])
    expect(finding).toMatchObject({ code: 'TY296', file: '/data' })
    expect(finding?.message).toMatch(/^8 files can be changed by every user: \/data, .* and 3 more$/)
  })

  test('devices are found', () => {
    expect(inspect([entry('dev/sda', 0o600, 'device')])).toMatchObject([{ code: 'TY298', file: '/dev/sda' }])
  })
})
