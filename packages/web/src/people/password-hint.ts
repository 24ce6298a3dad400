/** The rules that the servers check, in short. */
export const PASSWORD_HINT =
  'At least 10 characters, not a common password, and not made of your name or email; several words are easy to remember.'
