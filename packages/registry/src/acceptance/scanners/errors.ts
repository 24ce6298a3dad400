/** Thrown when a scanner outside of this process does not answer. The message names it and the reason. */
export class ScannerUnavailable extends Error {
  override readonly name = 'ScannerUnavailable'
  readonly code = 'scanner_unavailable'
}
