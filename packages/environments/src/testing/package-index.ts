import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { zip } from './zip.ts'

export interface WheelOptions {
  version?: string | undefined
  /** Requirements such as `beta>=1`. */
  requires?: readonly string[] | undefined
  files?: Readonly<Record<string, string | Buffer>> | undefined
}

/** A package index of its own, with small packages that are made for the test. */
export interface PackageIndex {
  url: string
  /** Paths that were asked for. */
  requests: string[]
  /** Adds a package, and returns the `sha256:…` of its file. */
  addWheel(name: string, options?: WheelOptions): string
  /** Adds a source archive. `backend` is Python with `build_wheel`, which runs when it is installed. */
  addSource(name: string, backend: string): string
  /** Every download waits until the returned function is called. */
  hold(): () => void
  close(): Promise<void>
}

export async function startPackageIndex(): Promise<PackageIndex> {
  const files = new Map<string, Buffer>()
  const requests: string[] = []
  let held: Promise<void> = Promise.resolve()
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    requests.push(path)
    const [, name = '', file = ''] = path.split('/')
    if (file === '') {
      const own = [...files.keys()].filter((key) => key.startsWith(`${name}/`))
      if (own.length === 0) return response.writeHead(404).end()
      const links = own.map((key) => `<a href="/${key}#sha256=${hash(files.get(key))}">${key.split('/')[1]}</a>`)
      return response.writeHead(200, { 'content-type': 'text/html' }).end(`<html><body>${links.join('')}</body></html>`)
    }
    const content = files.get(`${name}/${file}`)
    if (content === undefined) return response.writeHead(404).end()
    return void held.then(() => response.writeHead(200, { 'content-length': content.length }).end(content))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const add = (name: string, file: string, content: Buffer) => {
    files.set(`${name}/${file}`, content)
    return `sha256:${hash(content)}`
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    addWheel(name, { version = '1.0', requires = [], files: own } = {}) {
      const module = name.replaceAll('-', '_')
      const info = `${module}-${version}.dist-info`
      const metadata = [`Metadata-Version: 2.1`, `Name: ${name}`, `Version: ${version}`]
      const content = zip({
        ...(own ?? { [`${module}/__init__.py`]: `version = ${JSON.stringify(version)}\n` }),
        [`${info}/METADATA`]: `${[...metadata, ...requires.map((one) => `Requires-Dist: ${one}`)].join('\n')}\n`,
        [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        [`${info}/RECORD`]: '',
      })
      return add(name, `${module}-${version}-py3-none-any.whl`, content)
    },
    addSource(name, backend) {
      const root = `${name}-1.0`
      const project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
      const content = tar({
        [`${root}/PKG-INFO`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
        [`${root}/pyproject.toml`]: project,
        [`${root}/backend.py`]: backend,
      })
      return add(name, `${root}.tar.gz`, gzipSync(content))
    },
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function hash(content: Buffer | undefined): string {
  return createHash('sha256')
    .update(content ?? '')
    .digest('hex')
}

function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const head = Buffer.alloc(512)
    head.write(name, 0)
    head.write('0000644\0', 100)
    head.write('0000000\0', 108)
    head.write('0000000\0', 116)
    head.write(`${Buffer.byteLength(text).toString(8).padStart(11, '0')}\0`, 124)
    head.write('00000000000\0', 136)
    head.write('        ', 148)
    head.write('0', 156)
    head.write('ustar\x0000', 257)
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512)
    body.write(text)
    return [head, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
