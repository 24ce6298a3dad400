import type { CheckResult, Finding, ValidationReport } from '@trainyard/contract'

/** Findings without a file belong to this one, for formats that need a place. */
export const MANIFEST = 'trainer.json'

/** The findings that count: without those that are ignored or in the baseline. */
export function openFindings({ findings }: Pick<CheckResult, 'findings'>): Finding[] {
  return findings.filter(({ suppressed }) => suppressed === undefined)
}

export function nameTrainer({ trainer }: ValidationReport): string {
  return trainer === undefined ? 'The trainer' : `${trainer.name} ${trainer.version}`
}

/** Why a check neither passed nor failed. */
export function describeStatus({ status, reason }: CheckResult): string {
  const shown = status === 'skipped' ? 'not checked' : status
  return reason === undefined ? shown : `${shown}: ${reason}`
}

/** Replaces characters that are not allowed in XML and HTML, and those that have a meaning in them. */
export function escapeMarkup(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids control characters
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/g, '�')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  )
}
