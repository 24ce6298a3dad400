import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './python/find-pythons.ts'

/** Where packages come from. */
export interface Indexes {
  /** In the order in which they are asked. The first one that has a package is the only one that is used for it. */
  urls: readonly string[]
  /** Other hosts (`host` or `host:port`) from which the indexes serve their files. */
  fileHosts: readonly string[]
}

const PYPI = 'https://pypi.org/simple'
/** Indexes whose files are on another host. */
const FILE_HOSTS: Readonly<Record<string, readonly string[]>> = {
  'pypi.org': ['files.pythonhosted.org'],
  'test.pypi.org': ['test-files.pythonhosted.org'],
  'download.pytorch.org': ['download-r2.pytorch.org', 'files.pythonhosted.org'],
}

/** Reads `PYTHON_INDEX_URL` and `PYTHON_INDEX_HOSTS`. Default: the indexes that pip uses on this machine. */
export async function readIndexes(env: Environment = process.env): Promise<Indexes> {
  const own = splitList(env.PYTHON_INDEX_URL)
  const urls = own.length > 0 ? own : await indexesOfPip(env)
  return { urls, fileHosts: splitList(env.PYTHON_INDEX_HOSTS) }
}

/** Everything that an installation has to reach, as `host:port`. */
export function addressesOf({ urls, fileHosts }: Indexes): string[] {
  const own = urls.flatMap((text) => {
    const url = URL.parse(text)
    if (url === null) return []
    return [url, ...(FILE_HOSTS[url.hostname] ?? []).map((host) => new URL(`https://${host}`))]
  })
  const addresses = own.map(
    ({ hostname, port, protocol }) => `${hostname}:${port || (protocol === 'http:' ? 80 : 443)}`,
  )
  const more = fileHosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:443`))
  return [...new Set([...addresses, ...more])]
}

/** A URL without user name and password, for people. */
export function withoutCredentials(text: string): string {
  const url = URL.parse(text)
  if (url === null) return text
  url.username = ''
  url.password = ''
  return url.href
}

/** `PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL`, then the files that pip reads. */
async function indexesOfPip(env: Environment): Promise<string[]> {
  const home = env.HOME ?? homedir()
  const files = [env.PIP_CONFIG_FILE, join(home, '.config/pip/pip.conf'), join(home, '.pip/pip.conf'), '/etc/pip.conf']
  let index = env.PIP_INDEX_URL
  let extra = env.PIP_EXTRA_INDEX_URL
  for (const file of files) {
    if (file === undefined) continue
    const text = await readFile(file, 'utf8').catch(() => '')
    index ??= settingOf(text, 'index-url')
    extra ??= settingOf(text, 'extra-index-url')
  }
  return [...splitList(index ?? PYPI), ...splitList(extra)]
}

/** A setting of an INI file, with the indented lines that continue it. */
function settingOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}\\s*[=:]\\s*(.*(?:\\n[ \\t]+.*)*)`, 'm').exec(text)?.[1]?.trim()
}

function splitList(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter((part) => part !== '')
}
