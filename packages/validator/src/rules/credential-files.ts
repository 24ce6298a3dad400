import { ignorePath } from '../fixes/ignore-line.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'
import type { TrainerFolder } from '../trainer-folder.ts'

const CREDENTIALS =
  /(?:^|\/)(?:\.env(?:\.(?!example|sample|template)[\w-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc|\.git-credentials|\.aws\/credentials|\.docker\/config\.json|\.kube\/config|kaggle\.json|[^/]+\.(?:pfx|p12|jks|keystore))$/

export const credentialFiles: FolderRule = {
  code: 'TY305',
  severity: 'error',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY305'),
  help: 'Remove the file, revoke what is in it, and list it in .trainyardignore.',
  check: (folder) =>
    credentialsIn(folder).map(({ path }) => ({
      message: 'files with this name hold credentials; they must not be published',
      file: path,
    })),
  fix: (folder) => credentialsIn(folder).map(({ path }) => ignorePath(path)),
}

function credentialsIn({ files }: TrainerFolder) {
  return files.filter(({ path, sizeBytes }) => sizeBytes > 0 && CREDENTIALS.test(path))
}
