/** Turns a zod message into the end of a sentence: "Invalid input: expected number, …" becomes "expected number, …". */
export function expectation(message = 'the value is invalid'): string {
  const text = message.replace(/^Invalid (?:input|option): /, '')
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
