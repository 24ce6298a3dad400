import type { Finding } from '@trainyard/contract'
import { createImageFinding } from './image-findings.ts'
import type { SomePaths } from './layer-scan.ts'
import type { ImageLayer } from './read-image.ts'
import type { LayerSecrets } from './search-layer.ts'

/** The findings about the secrets of one layer, and about its files that were not searched. */
export function secretFindings(layer: Pick<ImageLayer, 'digest'>, secrets: LayerSecrets): Finding[] {
  return [...foundSecrets(layer, secrets), ...notSearched(layer, secrets)]
}

/** Packages install keys for their own tests. They are no secrets of the author, but may be of someone. */
const TEST_FILE =
  /\/(site-packages|dist-packages|node_modules|lib\/python[\d.]+|go\/pkg|usr\/share\/doc)\/(.*\/)?(tests?|testing|__tests__|test_data|testdata|fixtures|examples?|doc|docs)\//

/** Packages of the system show addresses with a name and a password in their comments: `http://user:password@host`. */
function isExample(path: string, subject: string): boolean {
  return subject.includes('basicauth') && /^\/usr\/(share|lib|local\/lib)\//.test(path)
}

function foundSecrets({ digest }: Pick<ImageLayer, 'digest'>, { secrets: found, cut }: LayerSecrets): Finding[] {
  const findings = found.map(({ path, line, column, message, subject }) =>
    createImageFinding('TY301', message, {
      file: path,
      line,
      column,
      layer: digest,
      subject: `${subject} ${line}`,
      severity: TEST_FILE.test(path) || isExample(path, subject) ? 'warning' : undefined,
    }),
  )
  if (cut)
    findings.push(
      createImageFinding('TY301', 'the layer contains more secrets, which are not listed', { layer: digest }),
    )
  return findings
}

function notSearched({ digest }: Pick<ImageLayer, 'digest'>, { tooLarge, binary, failed }: LayerSecrets): Finding[] {
  const group = ({ count, examples }: SomePaths, what: string): Finding[] => {
    if (count === 0) return []
    const more = count > 3 ? ` and ${count - 3} more` : ''
    const message = `not searched for secrets, because they are ${what}: ${examples.slice(0, 3).join(', ')}${more}`
    return [createImageFinding('TY302', message, { file: examples[0], layer: digest, subject: `${what} ${digest}` })]
  }
  return [...group(tooLarge, 'larger than 5 MiB'), ...group(binary, 'binary'), ...group(failed, 'not readable as text')]
}
