import type { UsageReport } from '@trainyard/contract'

/** A report as CSV, a row each, with the total last. */
export function usageCsv({ by, from, to, currency, rows, total }: UsageReport): string {
  const head = [
    by,
    'name',
    'from',
    'to',
    'attempts',
    'run_seconds',
    'gpu_seconds',
    'cpu_seconds',
    'storage_gb_months',
    'uploaded_bytes',
    'downloaded_bytes',
    'cost',
    'currency',
  ]
  const line = (key: string, name: string, figures: UsageReport['total']) => [
    csvText(key),
    csvText(name),
    from,
    to,
    figures.attempts,
    figures.runSeconds,
    figures.gpuSeconds,
    figures.cpuSeconds,
    figures.storageGbMonths,
    figures.uploadedBytes,
    figures.downloadedBytes,
    figures.cost ?? '',
    currency ?? '',
  ]
  const lines = [head, ...rows.map((row) => line(row.key, row.name ?? '', row)), line('total', '', total)]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

/** Quoted where needed. A leading apostrophe keeps spreadsheets from taking a name for a formula. */
function csvText(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
