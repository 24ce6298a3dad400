import type { Finding } from '@trainyard/contract'
import { createFinding } from '../findings.ts'
import { readImageConfig } from '../image-config.ts'
import { imagesOf } from '../part-images.ts'
import type { ImageLayer } from '../read-image.ts'
import type { SomePaths } from '../scanners/layer-scan.ts'
import { searchConfig } from '../scanners/search-config.ts'
import { LayerSecrets } from '../scanners/search-layer.ts'
import type { AcceptanceCheck, CheckEnd, CheckInput, CheckReporter } from './check.ts'
import { scanLayers } from './scan-layers.ts'
import { validatePhase } from './validate-phase.ts'
import { whyNotScanned } from './why-not-scanned.ts'

/** Change the version when the same bytes give other findings. */
const SCANNER = { name: 'secrets', version: '1' }

/** Keys, tokens and passwords in any file, also in those that a later layer deletes, and in the config of an image. */
export const secrets: AcceptanceCheck = {
  name: 'secrets',
  async run(input, reporter, signal) {
    const { unpacked } = await input.prepare(signal)
    if (unpacked) return await validatePhase(input, 'security', reporter, signal)
    if (input.part.kind === 'bundle') return { outcome: 'skipped', reason: 'the bundle was not unpacked' }
    return await searchImage(input, reporter, signal)
  },
}

async function searchImage(input: CheckInput, reporter: CheckReporter, signal: AbortSignal): Promise<CheckEnd> {
  const { context, part, manifest } = input
  const { images } = await imagesOf(context, part.repository_id, manifest)
  for (const image of images) {
    const config = await readImageConfig(context, image.manifest)
    if (config !== undefined) reporter.found(...(await searchConfig(config)))
  }
  let files = 0
  try {
    const scans = scanLayers(
      input,
      { scanner: SCANNER, job: { kind: 'secrets' }, schema: LayerSecrets },
      reporter,
      signal,
    )
    for await (const { layer, result } of scans) {
      files += result.searchedFiles
      reporter.found(...secretFindings(layer, result), ...notSearched(layer, result))
    }
  } catch (error) {
    return whyNotScanned(input, 'secrets', error)
  }
  return { outcome: 'done', notes: [`${files} text files were searched`] }
}

/** Packages install keys for their own tests. They are no secrets of the author, but may be of someone. */
const TEST_FILE =
  /\/(site-packages|dist-packages|node_modules|lib\/python[\d.]+|go\/pkg|usr\/share\/doc)\/(.*\/)?(tests?|testing|__tests__|test_data|testdata|fixtures|examples?|doc|docs)\//

/** Packages of the system show addresses with a name and a password in their comments: `http://user:password@host`. */
function isExample(path: string, subject: string): boolean {
  return subject.includes('basicauth') && /^\/usr\/(share|lib|local\/lib)\//.test(path)
}

function secretFindings({ digest }: ImageLayer, { secrets: found, cut }: LayerSecrets): Finding[] {
  const findings = found.map(({ path, line, column, message, subject }) =>
    createFinding('TY301', message, {
      file: path,
      line,
      column,
      layer: digest,
      subject: `${subject} ${line}`,
      severity: TEST_FILE.test(path) || isExample(path, subject) ? 'warning' : undefined,
    }),
  )
  if (cut)
    findings.push(createFinding('TY301', 'the layer contains more secrets, which are not listed', { layer: digest }))
  return findings
}

function notSearched({ digest }: ImageLayer, { tooLarge, binary, failed }: LayerSecrets): Finding[] {
  const group = ({ count, examples }: SomePaths, what: string): Finding[] => {
    if (count === 0) return []
    const more = count > 3 ? ` and ${count - 3} more` : ''
    const message = `not searched for secrets, because they are ${what}: ${examples.slice(0, 3).join(', ')}${more}`
    return [createFinding('TY302', message, { file: examples[0], layer: digest, subject: `${what} ${digest}` })]
  }
  return [...group(tooLarge, 'larger than 5 MiB'), ...group(binary, 'binary'), ...group(failed, 'not readable as text')]
}
