/** Precision, recall, F1 and number of images of every class, by its name. */
export function classMetrics(
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
): Record<string, Record<string, number>> {
  const metrics: Record<string, Record<string, number>> = {}
  for (const [index, name] of classes.entries()) {
    const hits = confusion[index]?.[index] ?? 0
    const actual = sum(confusion[index] ?? [])
    const predicted = sum(confusion.map((row) => row[index] ?? 0))
    const precision = predicted === 0 ? 0 : hits / predicted
    const recall = actual === 0 ? 0 : hits / actual
    const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
    metrics[name] = { precision, recall, f1, support: actual }
  }
  return metrics
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
