import { readFile } from 'node:fs/promises'
import { z } from 'zod'

interface Asset {
  contents: Uint8Array
  contentType: string
}

/** The files for the browser: addresses by plain name, contents by hashed name. */
export interface Assets {
  url(name: string): string
  find(fileName: string): Asset | undefined
}

const CONTENT_TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

const Manifest = z.record(z.string(), z.string())

/** Reads the built files beside the server. From source, builds them in memory. */
export async function loadAssets(): Promise<Assets> {
  const files = (await readBuilt()) ?? (await buildInMemory())
  const urls = new Map([...files].map(([name, file]) => [name, `/assets/${file.fileName}`]))
  const byFileName = new Map([...files.values()].map((file) => [file.fileName, file.contents]))
  return {
    url(name) {
      const url = urls.get(name)
      if (url === undefined) throw new Error(`The build has no client file "${name}"`)
      return url
    },
    find(fileName) {
      const contents = byFileName.get(fileName)
      const contentType = CONTENT_TYPES[fileName.split('.').at(-1) ?? '']
      return contents && contentType ? { contents, contentType } : undefined
    },
  }
}

type Files = Map<string, { fileName: string; contents: Uint8Array }>

async function readBuilt(): Promise<Files | undefined> {
  const folder = new URL('./client/', import.meta.url)
  const text = await readFile(new URL('manifest.json', folder), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const files: Files = new Map()
  for (const [name, fileName] of Object.entries(Manifest.parse(JSON.parse(text)))) {
    files.set(name, { fileName, contents: await readFile(new URL(fileName, folder)) })
  }
  return files
}

async function buildInMemory(): Promise<Files> {
  // Not a literal, so that the bundler ignores it: esbuild is installed in a development checkout only.
  const builder = new URL('../build.ts', import.meta.url).href
  const { buildClient } = (await import(/* @vite-ignore */ builder)) as typeof import('../build.ts')
  return buildClient()
}
