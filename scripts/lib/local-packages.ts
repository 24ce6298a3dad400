import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import { z } from 'zod'

/** Indexes of packages on loopback that have what was packed here, and lead to the usual registries for everything else. */
export interface LocalPackages {
  /** For `npm_config_registry`. */
  npmUrl: string
  /** For `PYTHON_INDEX_URL`, as the first one. It has the wheels alone. */
  pythonUrl: string
  close(): Promise<void>
}

export interface LocalPackagesOptions {
  /** Packed npm packages. */
  packs: readonly string[]
  /** Wheels of Python. */
  wheels: readonly string[]
  /** The npm registry that has all other packages. */
  upstreamUrl: string
  /** Default: any free port. */
  port?: number | undefined
}

const Manifest = z.looseObject({ name: z.string(), version: z.string() })

export async function startLocalPackages(options: LocalPackagesOptions): Promise<LocalPackages> {
  const { packs, wheels, upstreamUrl, port = 0 } = options
  const files = new Map<string, Buffer>()
  const documents = new Map<string, object>()
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = files.get(path)
    const document = documents.get(path)
    if (file !== undefined) response.writeHead(200, { 'content-length': file.length }).end(file)
    else if (document !== undefined) sendJson(response, document)
    else if (path.startsWith('/simple/')) sendLinks(response, path, files)
    else response.writeHead(307, { location: new URL(request.url ?? '/', upstreamUrl).href }).end()
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const pack of packs) {
    const bytes = await readFile(pack)
    const manifest = await readManifest(bytes)
    const path = `/packs/${basename(pack)}`
    files.set(path, bytes)
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    documents.set(`/${manifest.name}`, {
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: { [manifest.version]: { ...manifest, dist: { tarball: `${url}${path}`, integrity } } },
    })
  }
  for (const wheel of wheels) files.set(`/wheels/${basename(wheel)}`, await readFile(wheel))
  return {
    npmUrl: `${url}/`,
    pythonUrl: `${url}/simple/`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  }
}

async function readManifest(pack: Buffer): Promise<z.infer<typeof Manifest>> {
  const entries = await unpackTar(gunzipSync(pack), { filter: ({ name }) => name === 'package/package.json' })
  return Manifest.parse(JSON.parse(Buffer.from(entries[0]?.data ?? []).toString('utf8')))
}

function sendJson(response: ServerResponse, document: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

/** The page of a Python project: PEP 503. */
function sendLinks(response: ServerResponse, path: string, files: ReadonlyMap<string, Buffer>): void {
  const project = path.split('/')[2]?.replaceAll('-', '_')
  const names = [...files.keys()].filter((file) => file.startsWith(`/wheels/${project}-`))
  if (names.length === 0) return void response.writeHead(404).end()
  const links = names.map((name) => {
    const hash = createHash('sha256')
      .update(files.get(name) ?? '')
      .digest('hex')
    return `<a href="${name}#sha256=${hash}">${basename(name)}</a>`
  })
  response
    .writeHead(200, { 'content-type': 'text/html' })
    .end(`<!doctype html><title>${project}</title>${links.join('')}`)
}
