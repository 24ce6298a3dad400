/** A safe change of one file. Edits of the same file are made one after the other. */
export interface FileEdit {
  /** Relative to the trainer's folder. */
  readonly file: string
  /** Returns the new text. It gets an empty one if the file does not exist. */
  edit(text: string): string
}
