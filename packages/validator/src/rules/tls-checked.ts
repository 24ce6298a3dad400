import { findLines } from '../find-lines.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN =
  /\bverify\s*=\s*False\b|\brejectUnauthorized\s*:\s*false\b|NODE_TLS_REJECT_UNAUTHORIZED\W{1,6}0|_create_unverified_context|\bcurl\b.*\s(?:-k|--insecure)\b|--no-check-certificate\b/

export const tlsChecked: FolderRule = {
  code: 'TY306',
  severity: 'warning',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY306'),
  help: 'Remove it. Add the certificate of a private authority with SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.',
  check: (folder) => findLines(folder, PATTERN, (matched) => `"${matched}" accepts any server that answers`),
}
