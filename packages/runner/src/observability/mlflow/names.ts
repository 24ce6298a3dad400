import { createHash } from 'node:crypto'

/** Limits of the MLflow server (mlflow/utils/validation.py). */
export const MLFLOW_LIMITS = { metrics: 1000, params: 100, keyLength: 250, paramLength: 6000, tagLength: 5000 } as const

/**
 * Makes a name valid for MLflow: letters, digits, "_-./: ", and no relative path. A changed name gets four hex digits of its
 * digest, so that two names never become the same.
 */
export function mlflowName(name: string): string {
  const clean = name
    .replace(/[^\w\-./: ]/g, '_')
    .replace(/\/{2,}/g, '/')
    .replace(/^[/. ]+|[/. ]+$/g, '')
    .replace(/(^|\/)\.{1,2}(?=\/|$)/g, '$1_')
  if (clean === name && name.length <= MLFLOW_LIMITS.keyLength) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 4)
  return `${clean.slice(0, MLFLOW_LIMITS.keyLength - 5) || 'metric'}-${digest}`
}

/** A double in the JSON format of protobuf. */
export function mlflowNumber(value: number): number | string {
  if (Number.isFinite(value)) return value
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}
