import { findLines } from '../find-lines.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN =
  /\bpickle\.loads?\(|\bweights_only\s*=\s*False\b|\ballow_pickle\s*=\s*True\b|\byaml\.(?:unsafe_load|full_load)\(|\byaml\.load\((?!.*Safe)|\bjoblib\.load\(/

export const unsafeLoading: FolderRule = {
  code: 'TY308',
  severity: 'warning',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY308'),
  help: 'Load weights with weights_only=True or safetensors, YAML with safe_load, and do not evaluate texts.',
  check: (folder) => findLines(folder, PATTERN, (matched) => `"${matched}" runs code that is in the file`),
}
