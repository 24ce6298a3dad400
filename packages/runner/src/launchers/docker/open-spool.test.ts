import { Readable } from 'node:stream'
import { packTar, type TarEntry } from 'modern-tar'
import { describe, expect, it } from 'vitest'
import { EngineError } from './engine-client.ts'
import { openSpool } from './open-spool.ts'

/** A container that answers with a tar, as the engine does. */
function containerWith(entries: TarEntry[]) {
  const paths: string[] = []
  return {
    paths,
    async getArchive({ path }: { path: string }) {
      paths.push(path)
      return Readable.from([Buffer.from(await packTar(entries))])
    },
  }
}

async function read(entries: TarEntry[]): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of (await openSpool(containerWith(entries), 2)) ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('the spool of a container', () => {
  it('is read from the work folder of the attempt', async () => {
    const container = containerWith([{ header: { name: 'journal-2.spool', size: 5 }, body: 'bytes' }])
    await openSpool(container, 2)
    expect(container.paths).toEqual(['/trainyard/work/.trainyard/journal-2.spool'])
    expect(await read([{ header: { name: 'journal-2.spool', size: 5 }, body: 'bytes' }])).toBe('bytes')
  })

  it('is undefined when the engine finds no file or no container', async () => {
    const missing = new EngineError(404, 'no such file')
    expect(await openSpool({ getArchive: () => Promise.reject(missing) }, 1)).toBeUndefined()
  })

  it.each(['symlink', 'directory', 'fifo'] as const)('is not read when it is a %s', async (type) => {
    const link = type === 'symlink' ? { linkname: '/etc/passwd' } : undefined
    await expect(read([{ header: Object.assign({ name: 'journal-2.spool', size: 0, type }, link) }])).rejects.toThrow(
      'its spool is not a file',
    )
  })
})
