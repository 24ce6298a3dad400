const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** Columns of a terminal. East Asian letters and emoji take two. */
export function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0)
}

/** The start of a text without colours that fits into `columns`. */
export function cutToWidth(text: string, columns: number): string {
  let width = 0
  let cut = ''
  for (const letter of text) {
    width += WIDE.test(letter) ? 2 : 1
    if (width > columns) return cut
    cut += letter
  }
  return cut
}
