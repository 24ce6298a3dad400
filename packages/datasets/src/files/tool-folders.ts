/** Folders that operating systems and storage devices add. What they hold is never part of a dataset: thumbnails, deleted files. */
const TOOL_FOLDERS = new Set([
  '__macosx',
  '@eadir',
  '#recycle',
  '$recycle.bin',
  'lost+found',
  'system volume information',
  '__pycache__',
])
const TOOL_FILES = new Set(['thumbs.db', 'desktop.ini'])

/** Whether a folder of this name belongs to a tool and not to the dataset. Hidden folders do too. */
export function isToolFolder(name: string): boolean {
  return name.startsWith('.') || TOOL_FOLDERS.has(name.toLowerCase())
}

/** Whether a file of this name belongs to a tool and not to the dataset. Hidden files do too. */
export function isToolFile(name: string): boolean {
  return name.startsWith('.') || TOOL_FILES.has(name.toLowerCase())
}
